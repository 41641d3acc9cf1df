// JSON objects as clients send them: one level deep, each member once. Boost.JSON's own objects
// silently keep the last of two equal members, which would let two readers see two requests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"

namespace service {

/// A member that is a fraction, true, false, null, an array or an object.
struct OtherValue {};
/// Numbers from 2^63 to 2^64 - 1 count as INT64_MAX; whatever lies beyond is an OtherValue.
using FlatValue = std::variant<std::int64_t, std::string, OtherValue>;
using FlatObject = std::map<std::string, FlatValue, std::less<>>;

enum class FlatError : std::uint8_t { not_json, not_an_object, repeated_member };

base::Result<FlatObject, FlatError> parse_flat_object(std::string_view text);

}  // namespace service
