#include "base/clock.hpp"

#include <algorithm>
#include <ctime>

namespace base {

namespace {

std::int64_t read_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * kSecondNs + now.tv_nsec;
}

}  // namespace

std::int64_t wall_ms() { return read_ns(CLOCK_REALTIME) / kMsNs; }
std::int64_t steady_ns() { return read_ns(CLOCK_BOOTTIME); }
std::int64_t steady_ms() { return steady_ns() / kMsNs; }

SteadyWallClock::SteadyWallClock(std::int64_t not_before_ms)
    : base_ms_(std::max(wall_ms(), not_before_ms) - steady_ms()) {}

std::int64_t SteadyWallClock::now_ms() const { return base_ms_ + steady_ms(); }

}  // namespace base
