// Pressing a counter: what can be asked, what is answered, and the rules of one press. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

namespace counter {

enum class Verb : std::uint8_t { increment, decrement, reset };

enum class Refusal : std::uint8_t {
  at_zero,            // there is nothing to take away
  overflow,           // the value is kValueMax
  key_reused,         // the idempotency key belongs to another request
  too_many_counters,  // a new name, and there are base::limits::kCountersMax
  busy,               // too much is waiting
  unavailable,        // nothing can be made durable now
  unknown,            // whether it was counted is not known; a repeat with the same key tells
};

inline constexpr std::int64_t kValueMax = std::numeric_limits<std::int64_t>::max();
inline constexpr std::string_view kDefaultName = "default";

/// "increment", … as in addresses and metrics.
std::string_view name_of(Verb verb);
/// "at_zero", … as in docs/counter.md.
std::string_view name_of(Refusal refusal);

/// 1 to 64 of letters, digits, `.`, `_` and `-`, but neither `.` nor `..`.
bool is_valid_name(std::string_view name);

/// `name` is valid; `key` makes a repeat safe, an empty one is none.
struct Press {
  std::string name;
  Verb verb{};
  std::string key;
};

/// The value right after the press.
struct Counted {
  std::int64_t value = 0;
  friend bool operator==(const Counted&, const Counted&) = default;
};

/// Nothing was changed, except maybe where that is unknown.
struct Refused {
  Refusal reason{};
  std::uint32_t wait_ms = 0;  // of the last three: when to ask again
  friend bool operator==(const Refused&, const Refused&) = default;
};

using Answer = std::variant<Counted, Refused>;

/// What a press makes of a value: Counted, at_zero or overflow.
Answer pressed(Verb verb, std::int64_t value);

}  // namespace counter
