#include "canvas/digest.hpp"

#include <array>
#include <cstring>

#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace canvas {

namespace {

template <class T>
char* put(char* at, T value) {
  std::memcpy(at, &value, sizeof value);  // little-endian, as base/bytes.hpp asserts
  return at + sizeof value;
}

/// Writes kEntryBytes.
void put_entry(char* at, const Entry& entry) {
  at = put(at, entry.offset);
  at = put(at, entry.time_ms);
  at = put(at, base::number(entry.person));
  at = put(at, entry.x);
  at = put(at, entry.y);
  put(at, entry.color);
}

}  // namespace

std::string entry_bytes(const Entry& entry) {
  std::string bytes(kEntryBytes, '\0');
  put_entry(bytes.data(), entry);
  return bytes;
}

std::uint64_t next_digest(std::uint64_t previous, const Entry& entry) {
  std::array<char, 16 + kEntryBytes> message;  // no allocation: every entry comes through here
  for (std::size_t i = 16; i-- > 0; previous >>= 4) message[i] = "0123456789abcdef"[previous & 15];
  put_entry(message.data() + 16, entry);
  const auto hash = base::sha1({message.data(), message.size()});
  // The first 16 hexadecimal digits, read as a number: the first 8 bytes, most significant first.
  std::uint64_t digest = 0;
  for (std::size_t i = 0; i < sizeof digest; ++i) digest = digest << 8 | hash[i];
  return digest;
}

}  // namespace canvas
