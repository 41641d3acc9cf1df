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
  std::vector<PixelChange> writes;
  writes.reserve(to - from);
  for (std::uint64_t offset = from + 1; offset <= to; ++offset) {
    writes.push_back({item(offset).index, item(offset).color});
  }
  return writes;
}

std::vector<PixelChange> conflate(const std::vector<PixelChange>& writes) {
  // Sorting by (index, age) brings the last write to each pixel to the end of its group.
  std::vector<std::uint64_t> index_and_age;
  index_and_age.reserve(writes.size());
  for (std::size_t age = 0; age < writes.size(); ++age) {
    index_and_age.push_back(std::uint64_t{writes[age].index} << 32 | age);
  }
  std::ranges::sort(index_and_age);
  std::vector<PixelChange> changes;
  changes.reserve(writes.size());
  for (const auto key : index_and_age) {
    const PixelChange& write = writes[static_cast<std::uint32_t>(key)];
    if (!changes.empty() && changes.back().index == write.index) {
      changes.back() = write;
    } else {
      changes.push_back(write);
    }
  }
  return changes;
}

}  // namespace canvas
