// What Redis answers, as a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redis {

/// One RESP2 reply. Depth, bytes and elements are bounded (base::limits::kRedisReply…).
struct Reply {
  enum class Type { nil, integer, string, status, error, array };

  Type type = Type::nil;
  std::int64_t integer = 0;
  std::string text;  // of a string, a status or an error
  std::vector<Reply> elements;

  [[nodiscard]] bool is_nil() const { return type == Type::nil; }
  [[nodiscard]] bool is_error() const { return type == Type::error; }
  [[nodiscard]] bool is_array() const { return type == Type::array; }
  /// A string or a status.
  [[nodiscard]] bool is_text() const { return type == Type::string || type == Type::status; }
  /// The first word of the text: the code of an error.
  [[nodiscard]] std::string_view code() const {
    return std::string_view(text).substr(0, text.find(' '));
  }

  bool operator==(const Reply&) const = default;
};

}  // namespace redis
