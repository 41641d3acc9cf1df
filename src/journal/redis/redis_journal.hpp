// The journal over Redis: any number of programs append to one canvas and follow it. Redis decides
// and keeps (docs/redis.md); here operations gather into batches, and everything that any program
// appended is followed, gaps and lost history included.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "canvas/board.hpp"
#include "canvas/cooldown.hpp"
#include "journal/history.hpp"
#include "journal/journal.hpp"
#include "redis/url.hpp"

namespace journal {

struct RedisOptions {
  redis::Url url;
  std::string channel = "pixel-battle";
  canvas::Size size;
  std::uint8_t blank_color = 0;
  canvas::Rules rules;
  std::string name = "pixel-battle";  // of the replica, in Redis's CLIENT LIST
  /// How long the programs of an empty Redis wait for one that remembers more than they do; three
  /// times as long when they saw the canvas, too.
  std::chrono::milliseconds rebuild_wait{1'000};
  /// How long start() waits for Redis before it goes on without.
  std::chrono::milliseconds start_wait{3'000};
  History* history = nullptr;  // what Redis does not hold any more; outlives the journal
  Observers observers;
};

/// start() succeeds even if Redis cannot be reached: it then gives a blank board in epoch 0, and
/// on_reset follows as soon as the canvas is there.
std::unique_ptr<Journal> make_redis(RedisOptions options);

}  // namespace journal
