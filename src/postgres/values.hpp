// Values in PostgreSQL's binary format: parameters of statements and rows of COPY.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace postgres {

/// Numbers of types, from the server's catalog; they never change.
namespace type {
inline constexpr std::uint32_t kBool = 16;
inline constexpr std::uint32_t kBytea = 17;
inline constexpr std::uint32_t kBigint = 20;
inline constexpr std::uint32_t kSmallint = 21;
inline constexpr std::uint32_t kInteger = 23;
inline constexpr std::uint32_t kText = 25;
inline constexpr std::uint32_t kTextArray = 1009;
inline constexpr std::uint32_t kBigintArray = 1016;
}  // namespace type

/// Appends `value` in network order, as everything is in this format.
template <std::integral T>
void put_network(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * (sizeof(T) - 1 - i)));
  }
  out.append(bytes, sizeof(T));
}

/// The bytes of a bytea parameter; they must live until the statement has run.
struct Bytes {
  std::string_view bytes;
};

/// One parameter of a statement. Whole numbers are bigint (those without a sign keep their bits),
/// texts are text and must be UTF-8 without zero bytes, spans are arrays. Texts and Bytes are not
/// copied: they must live until the statement has run.
class Value {
 public:
  explicit Value(bool value);
  template <std::integral T>
  explicit Value(T value) : Value(Number{static_cast<std::int64_t>(value)}) {}
  explicit Value(std::string_view text);
  explicit Value(const std::string& text) : Value(std::string_view(text)) {}
  explicit Value(const char* text) : Value(std::string_view(text)) {}
  explicit Value(Bytes bytes);
  explicit Value(std::span<const std::int64_t> numbers);
  explicit Value(std::span<const std::string> texts);

  [[nodiscard]] std::uint32_t type() const { return type_; }
  [[nodiscard]] std::string_view data() const;

 private:
  struct Number {
    std::int64_t value;
  };
  explicit Value(Number number);

  std::uint32_t type_;
  std::variant<std::string, std::string_view> data_;
};

/// Rows for COPY … FROM STDIN (FORMAT binary), gathered in a buffer.
class CopyRows {
 public:
  CopyRows();

  void begin_row(std::int16_t columns) { put_network(bytes_, columns); }
  /// The type must have the column's size: int16_t for smallint, int64_t for bigint.
  template <std::signed_integral T>
  void add(T value) {
    put_network(bytes_, static_cast<std::int32_t>(sizeof(T)));
    put_network(bytes_, value);
  }
  void add(std::string_view text);
  /// After the last row.
  void end() { put_network(bytes_, std::int16_t{-1}); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  /// Forgets what has been sent.
  void clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

}  // namespace postgres
