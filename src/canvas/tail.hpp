// The tail: the newest entries of the journal, kept in memory, from which readers that are a little
// behind catch up. Bounded: the oldest entry makes room for the newest.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "canvas/board.hpp"
#include "canvas/operation.hpp"

namespace canvas {

/// Not thread-safe.
class Tail {
 public:
  /// Empty, standing at `offset` with that running digest. Holds at most `entries_max`.
  Tail(Size size, std::uint64_t offset, std::uint64_t digest, std::size_t entries_max);

  /// `entry.offset` is head() + 1.
  void push(const Entry& entry);

  [[nodiscard]] std::uint64_t head() const { return head_; }
  [[nodiscard]] std::uint64_t head_digest() const { return digest_at_known(head_); }

  /// The digest at an offset that is still kept.
  [[nodiscard]] std::optional<std::uint64_t> digest_at(std::uint64_t offset) const;

  /// What was written after `from` up to and including `to`, oldest first. nullopt if that is no
  /// longer kept, or not there yet.
  [[nodiscard]] std::optional<std::vector<PixelChange>> between(std::uint64_t from,
                                                                std::uint64_t to) const;

 private:
  struct Item {
    std::uint64_t digest = 0;
    std::uint32_t index = 0;
    std::uint8_t color = 0;
  };
  [[nodiscard]] bool keeps(std::uint64_t offset) const;
  [[nodiscard]] const Item& item(std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t digest_at_known(std::uint64_t offset) const;

  Size size_;
  std::vector<Item> ring_;  // the item of an offset is at offset % capacity
  std::size_t entries_max_;
  std::uint64_t start_;  // no entry at or before it was ever pushed
  std::uint64_t start_digest_;
  std::uint64_t head_;
};

/// Writes, oldest first, as what they add up to: the last write to a pixel wins; ascending by
/// index.
std::vector<PixelChange> conflate(const std::vector<PixelChange>& writes);

}  // namespace canvas
