#include "canvas/digest.hpp"

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace canvas {

namespace {

void put_entry(std::string& out, const Entry& entry) {
  base::put(out, entry.offset);
  base::put(out, entry.time_ms);
  base::put(out, base::number(entry.person));
  base::put(out, entry.x);
  base::put(out, entry.y);
  base::put(out, entry.color);
}

}  // namespace

std::string entry_bytes(const Entry& entry) {
  std::string bytes;
  bytes.reserve(kEntryBytes);
  put_entry(bytes, entry);
  return bytes;
}

std::uint64_t next_digest(std::uint64_t previous, const Entry& entry) {
  std::string message = base::to_hex(previous);
  message.reserve(message.size() + kEntryBytes);
  put_entry(message, entry);
  const auto hash = base::sha1(message);
  // The first 16 hexadecimal digits, read as a number: the first 8 bytes, most significant first.
  std::uint64_t digest = 0;
  for (std::size_t i = 0; i < sizeof digest; ++i) digest = digest << 8 | hash[i];
  return digest;
}

}  // namespace canvas
