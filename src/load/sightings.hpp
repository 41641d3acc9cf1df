// When the placements were sent that a delta shows, so that it can be said of every client how long
// it took until it saw them. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "canvas/operation.hpp"

namespace load {

/// Not thread-safe.
class Sightings {
 public:
  void sent(std::uint32_t index, std::int64_t at_ns) { open_.insert_or_assign(index, at_ns); }
  void refused(std::uint32_t index) { open_.erase(index); }

  /// A client is the first that is told of the entries after `from` up to `to`. When the placement
  /// among them that waited longest was sent; 0 if none of ours is known to be there.
  std::int64_t oldest_ns(std::uint64_t from, std::uint64_t to,
                         const std::vector<canvas::PixelChange>& pixels);

 private:
  struct Shown {
    std::uint64_t to = 0;
    std::int64_t oldest_ns = 0;
  };
  std::unordered_map<std::uint32_t, std::int64_t> open_;  // by pixel; not shown to anybody yet
  std::deque<Shown> shown_;  // to somebody: ascending, for those who see it later
};

}  // namespace load
