// Time. Nothing else in the project asks the system what time it is.
#pragma once

#include <cstdint>

namespace base {

inline constexpr std::int64_t kMsNs = 1'000'000;
inline constexpr std::int64_t kSecondNs = 1'000 * kMsNs;

/// Wall clock, milliseconds since 1970. May jump; for people and for signatures only.
std::int64_t wall_ms();

/// Never goes backwards and counts through suspend (CLOCK_BOOTTIME). For intervals.
std::int64_t steady_ms();
std::int64_t steady_ns();

/// Wall time that never goes backwards: the wall clock at construction, or `not_before` if that is
/// later, carried on by the steady clock. What the journal stamps entries with, so that a clock
/// set back or forward by an hour changes no cooldown. Not thread-safe: one owner.
class SteadyWallClock {
 public:
  explicit SteadyWallClock(std::int64_t not_before_ms = 0);
  [[nodiscard]] std::int64_t now_ms() const;

 private:
  std::int64_t base_ms_;
};

}  // namespace base
