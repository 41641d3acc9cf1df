// Little-endian numbers and varints in byte strings: the alphabet of every binary format here.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace base {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian");

/// Appends `value`, a number or an enumerator, as sizeof(T) little-endian bytes.
template <class T>
requires std::integral<T> || std::is_enum_v<T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// Appends `value` as LEB128, at most five bytes.
inline void put_varint(std::string& out, std::uint32_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

/// Reads forward through bytes that it does not own. A read past the end makes the reader fail:
/// every later read gives 0, and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <std::integral T>
  T get() {
    if (rest_.size() < sizeof(T)) return fail<T>();
    T value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }

  std::uint32_t get_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto byte = get<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) {
        return value <= UINT32_MAX ? static_cast<std::uint32_t>(value) : fail<std::uint32_t>();
      }
    }
    return fail<std::uint32_t>();
  }

  std::string_view take(std::size_t size) {
    if (rest_.size() < size) return fail<std::string_view>();
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view take_rest() { return std::exchange(rest_, {}); }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }
  /// Everything was there and nothing is left over.
  [[nodiscard]] bool complete() const { return ok_ && rest_.empty(); }

 private:
  template <class T>
  T fail() {
    ok_ = false;
    rest_ = {};
    return T{};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace base
