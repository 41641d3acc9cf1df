// What the hub delivers: deltas as ready frames, and the frames that bring one reader up to date.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "wire/frame.hpp"

namespace service {

/// One tick's delta, from `base` to `offset`, framed once for everybody. `frame` is null when the
/// entries between are no longer in memory; readers then need a snapshot.
struct Tick {
  std::uint64_t base = 0;
  std::uint64_t offset = 0;
  wire::SharedBytes frame;
  /// Everything begins anew: nobody can go on from where they stand, and `frame` says so.
  bool anew = false;
};

/// Thread-safe.
class Feed {
 public:
  virtual ~Feed() = default;

  /// What became durable since the last call; nullopt if nothing did.
  virtual std::optional<Tick> take_tick() = 0;

  /// What everybody must be told of since the last call, as ready frames in order.
  virtual std::vector<wire::SharedBytes> take_notices() = 0;

  /// A delta frame from `from` to `to`; null if it is no longer kept or would be too large.
  virtual wire::SharedBytes catch_up(std::uint64_t from, std::uint64_t to) = 0;

  /// The frame that sends a reader to the snapshot because it fell too far behind.
  virtual wire::SharedBytes too_far_behind() = 0;

  /// The frame that tells how many players are connected.
  virtual wire::SharedBytes presence(std::uint32_t online) = 0;

  /// The frame that asks clients to reconnect within `reconnect_ms`.
  virtual wire::SharedBytes draining(std::uint32_t reconnect_ms) = 0;
};

}  // namespace service
