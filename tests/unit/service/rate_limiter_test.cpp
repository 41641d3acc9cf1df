// The rate limiter, on a clock of its own.
#include "service/rate_limiter.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace service {
namespace {

constexpr std::int64_t kNow = 1'000 * base::kSecondNs;

/// How many of `tries` at one moment may go on.
int taken(RateLimiter& limiter, std::uint64_t key, std::int64_t now_ns, int tries = 100) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += limiter.take(key, now_ns) == 0 ? 1 : 0;
  return count;
}

TEST(RateLimiter, AllowsABurstAndThenTheRate) {
  RateLimiter limiter(10, 20);
  EXPECT_EQ(taken(limiter, 1, kNow), 20);
  EXPECT_EQ(taken(limiter, 1, kNow + base::kSecondNs / 10 - 1), 0);
  EXPECT_EQ(taken(limiter, 1, kNow + base::kSecondNs / 10), 1);
  EXPECT_EQ(taken(limiter, 1, kNow + base::kSecondNs), 9);
  EXPECT_EQ(taken(limiter, 1, kNow + 100 * base::kSecondNs), 20) << "it does not pile up";
}

TEST(RateLimiter, WhoWaitsAsLongAsToldMayGoOn) {
  RateLimiter limiter(3, 1);
  ASSERT_EQ(limiter.take(std::uint64_t{1}, kNow), 0);
  const auto wait_ms = limiter.take(std::uint64_t{1}, kNow);
  EXPECT_GT(wait_ms, 0);
  EXPECT_LE(wait_ms, 334);
  EXPECT_EQ(limiter.take(std::uint64_t{1}, kNow + wait_ms * 1'000'000), 0);
}

TEST(RateLimiter, ARefusalTakesNothing) {
  RateLimiter limiter(1, 1);
  EXPECT_EQ(taken(limiter, 1, kNow, 1000), 1);
  EXPECT_EQ(taken(limiter, 1, kNow + base::kSecondNs), 1);
}

TEST(RateLimiter, KeysDoNotDisturbEachOther) {
  RateLimiter limiter(1, 2);
  EXPECT_EQ(taken(limiter, 1, kNow), 2);
  EXPECT_EQ(taken(limiter, 2, kNow), 2);
  EXPECT_EQ(limiter.take("203.0.113.1", kNow), 0);
  EXPECT_EQ(limiter.take("203.0.113.1", kNow), 0);
  EXPECT_NE(limiter.take("203.0.113.1", kNow), 0);
  EXPECT_EQ(limiter.take("203.0.113.2", kNow), 0);
}

TEST(RateLimiter, ARateOfZeroIsNoLimit) {
  RateLimiter limiter(0, 0);
  EXPECT_EQ(taken(limiter, 1, kNow, 10'000), 10'000);
  EXPECT_EQ(limiter.take("anybody", kNow), 0);
}

TEST(RateLimiter, ARateBelowOneStillLetsEverybodyInOnce) {
  RateLimiter limiter(0.1, 0.2);
  EXPECT_EQ(taken(limiter, 1, kNow), 1);
  EXPECT_EQ(taken(limiter, 1, kNow + 9 * base::kSecondNs), 0);
  EXPECT_EQ(taken(limiter, 1, kNow + 10 * base::kSecondNs), 1);
}

TEST(RateLimiter, ForgetsThoseWhoseBucketsAreFullBeforeThoseWhoAreLimited) {
  RateLimiter limiter(1, 1);
  constexpr std::uint64_t kShards = 16;
  const std::uint64_t limited = 5;
  ASSERT_EQ(taken(limiter, limited, kNow + 10 * base::kSecondNs), 1);
  // Everyone else of the same shard came and went long before.
  for (std::uint64_t i = 1; i < base::limits::kRateTableEntriesMax / kShards; ++i) {
    ASSERT_EQ(limiter.take(limited + i * kShards, kNow), 0);
  }
  const auto newcomer = limited + base::limits::kRateTableEntriesMax;
  EXPECT_EQ(limiter.take(newcomer, kNow + 10 * base::kSecondNs), 0);
  EXPECT_EQ(taken(limiter, limited, kNow + 10 * base::kSecondNs), 0) << "still limited";
}

TEST(RateLimiter, LetsEverybodyInRatherThanGrowWhenTheTableIsFullOfTheLimited) {
  RateLimiter limiter(1, 1);
  for (std::uint64_t key = 0; key <= base::limits::kRateTableEntriesMax; ++key) {
    ASSERT_EQ(limiter.take(key, kNow), 0);
  }
  EXPECT_EQ(limiter.take(std::uint64_t{16}, kNow), 0) << "forgotten with its shard";
}

}  // namespace
}  // namespace service
