// Reads the log of the canvas in Redis on the caller's thread, for whoever copies it elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "canvas/operation.hpp"
#include "journal/history.hpp"
#include "journal/redis/codec.hpp"
#include "redis/url.hpp"

namespace journal {

/// One thread at a time; calls block for some seconds at most.
class LogReader {
 public:
  /// Throws std::runtime_error when a file of the URL's TLS options cannot be used.
  explicit LogReader(const redis::Url& url);
  ~LogReader();

  /// The records that end after a position, oldest first, with their entries' digests; none as long
  /// as a failover could still take them back.
  base::Result<std::vector<Record>> read(const canvas::Position& after, std::size_t records_max);

  /// The board as it stands; `size` must be the canvas's.
  base::Result<canvas::StandingBoard> snapshot(canvas::Size size);

  /// Drops the records that end at or before a position. What cannot be dropped now can be later.
  void trim(const canvas::Position& position);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace journal
