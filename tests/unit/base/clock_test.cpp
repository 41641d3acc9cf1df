// The clocks.
#include "base/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace base {
namespace {

TEST(WallClock, IsTheSystemsTimeSince1970) {
  const auto system = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  EXPECT_NEAR(static_cast<double>(wall_ms()), static_cast<double>(system), 1000);
}

TEST(SteadyClock, NeverGoesBackwardsAndCountsTheSameInBothUnits) {
  const auto before_ns = steady_ns();
  const auto middle_ms = steady_ms();
  const auto after_ns = steady_ns();
  EXPECT_LE(before_ns, after_ns);
  EXPECT_GE(middle_ms, before_ns / 1'000'000);
  EXPECT_LE(middle_ms, after_ns / 1'000'000);
}

TEST(SteadyWallClock, BeginsAtTheWallClock) {
  const auto before = wall_ms();
  const SteadyWallClock clock;
  EXPECT_GE(clock.now_ms(), before - 1);
  EXPECT_LE(clock.now_ms(), wall_ms() + 1000);
}

TEST(SteadyWallClock, BeginsNoEarlierThanAsked) {
  const auto later = wall_ms() + 3'600'000;
  const SteadyWallClock clock(later);
  EXPECT_GE(clock.now_ms(), later);
  EXPECT_LT(clock.now_ms(), later + 60'000);
}

TEST(SteadyWallClock, AnEarlierBoundChangesNothing) {
  const auto before = wall_ms();
  const SteadyWallClock clock(before - 3'600'000);
  EXPECT_GE(clock.now_ms(), before - 1);
}

}  // namespace
}  // namespace base
