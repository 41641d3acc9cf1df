// When live updates go out: at once when it was quiet, at most every 20 ms otherwise, and less
// often when a delivery takes long, so that fan-out never takes more than half of a core's time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "net/types.hpp"

namespace net {

class Ticker {
 public:
  /// `tick` is called on `io`'s thread; `delivery_ns` says how long the slowest delivery took last.
  Ticker(asio::io_context& io, int tick_ms_max, std::function<void()> tick,
         std::function<std::int64_t()> delivery_ns);

  /// There is something new. Thread-safe, cheap, does not wait.
  void wake();
  /// On the thread.
  void stop();
  /// The time between two ticks now. On the thread.
  [[nodiscard]] int tick_ms() const;

 private:
  void on_wake();
  void tick();

  asio::io_context& io_;
  const int tick_ms_max_;
  const std::function<void()> tick_;
  const std::function<std::int64_t()> delivery_ns_;
  std::atomic<bool> awake_{false};  // a wake-up is on its way or a tick is scheduled
  Timer timer_;
  std::int64_t last_tick_ms_ = 0;
  bool stopped_ = false;
};

}  // namespace net
