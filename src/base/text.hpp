// Small text codecs: hexadecimal, base64url, percent-decoding, whole-number parsing.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string to_hex(std::string_view bytes);
std::string to_hex(std::uint64_t value);  // 16 lower-case digits
std::optional<std::string> from_hex(std::string_view hex);
std::optional<std::uint64_t> u64_from_hex(std::string_view hex);  // exactly 16 digits

/// RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

/// RFC 3986 percent-encoding of everything that is not unreserved.
std::string percent_encode(std::string_view text);

/// RFC 3986 percent-decoding, once; `+` stands for itself. nullopt on a broken escape.
std::optional<std::string> percent_decode(std::string_view text);

/// The whole text as one decimal number within the type's range; no sign for unsigned types, no
/// space, no fraction.
template <std::integral T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);
/// Compares ASCII letters without regard to case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

bool is_valid_utf8(std::string_view text);

/// Cuts to at most `bytes_max` bytes without splitting a UTF-8 character.
std::string_view truncate_utf8(std::string_view text, std::size_t bytes_max);

}  // namespace base
