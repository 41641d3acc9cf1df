#include "canvas/tail.hpp"

#include <algorithm>

namespace canvas {

Tail::Tail(Size size, std::uint64_t offset, std::uint64_t digest, std::size_t entries_max)
    : size_(size),
      ring_(entries_max),
      entries_max_(entries_max),
      start_(offset),
      start_digest_(digest),
      head_(offset) {}

void Tail::push(const Entry& entry) {
  head_ = entry.offset;
  ring_[head_ % entries_max_] = {entry.digest, std::uint32_t{entry.y} * size_.width + entry.x,
                                 entry.color};
}

bool Tail::keeps(std::uint64_t offset) const {
  return offset <= head_ && offset >= start_ && head_ - offset < entries_max_;
}

const Tail::Item& Tail::item(std::uint64_t offset) const { return ring_[offset % entries_max_]; }

std::uint64_t Tail::digest_at_known(std::uint64_t offset) const {
  return offset == start_ ? start_digest_ : item(offset).digest;
}

std::optional<std::uint64_t> Tail::digest_at(std::uint64_t offset) const {
  if (!keeps(offset)) return std::nullopt;
  return digest_at_known(offset);
}

std::optional<std::vector<PixelChange>> Tail::between(std::uint64_t from, std::uint64_t to) const {
  if (from > to || !keeps(from) || !keeps(to)) return std::nullopt;
  // Sorting by (index, age) brings the last write to each pixel to the end of its group.
  struct Write {
    std::uint64_t index_and_age;
    std::uint8_t color;
  };
  std::vector<Write> writes;
  writes.reserve(to - from);
  for (std::uint64_t offset = from + 1; offset <= to; ++offset) {
    const Item& written = item(offset);
    writes.push_back({std::uint64_t{written.index} << 32 | (offset - from), written.color});
  }
  std::ranges::sort(writes, {}, &Write::index_and_age);
  std::vector<PixelChange> changes;
  changes.reserve(writes.size());
  for (const Write& write : writes) {
    const auto index = static_cast<std::uint32_t>(write.index_and_age >> 32);
    if (!changes.empty() && changes.back().index == index) {
      changes.back().color = write.color;
    } else {
      changes.push_back({index, write.color});
    }
  }
  return changes;
}

}  // namespace canvas
