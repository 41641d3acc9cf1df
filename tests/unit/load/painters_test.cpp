// When who places a pixel.
#include "load/painters.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/clock.hpp"

namespace load {
namespace {

/// Lets them place for some time; every placement is answered at once with `charges` left.
std::map<std::size_t, int> paint(Painters& painters, std::int64_t seconds, std::uint32_t charges) {
  std::map<std::size_t, int> placed;
  for (std::int64_t now_ns = base::kMsNs; now_ns < seconds * base::kSecondNs;
       now_ns += base::kMsNs) {
    while (const auto index = painters.due(now_ns)) {
      ++placed[*index];
      painters.charged(*index, charges, 1'000, now_ns);
    }
  }
  return placed;
}

Painters ready(std::size_t count, double rate) {
  Painters painters(count, rate);
  for (std::size_t i = 0; i < count; ++i) {
    painters[i].ready = true;
    painters.charged(i, 1, 0, 0);
  }
  return painters;
}

TEST(LoadPainters, KeepToTheRateAndTakeTurns) {
  auto painters = ready(10, 50);
  const auto placed = paint(painters, 10, 1);
  ASSERT_EQ(placed.size(), 10);
  for (const auto& [index, count] : placed) EXPECT_NEAR(count, 50, 2) << index;
}

TEST(LoadPainters, WaitForTheirCharges) {
  auto painters = ready(3, 0);
  for (const auto& [index, count] : paint(painters, 10, 0)) EXPECT_NEAR(count, 10, 1) << index;
}

TEST(LoadPainters, KeepBelowTheLimitOfAPerson) {
  auto painters = ready(1, 0);
  const auto count = paint(painters, 10, 5)[0];
  EXPECT_LE(count, 200);
  EXPECT_GE(count, 160);
}

TEST(LoadPainters, HaveOnePlacementOpen) {
  auto painters = ready(1, 0);
  ASSERT_TRUE(painters.due(base::kSecondNs));
  painters[0].pending = Pending{};
  EXPECT_EQ(painters.pending(), 1);
  EXPECT_FALSE(painters.due(2 * base::kSecondNs));
  painters[0].pending->again_ns = 3 * base::kSecondNs;
  EXPECT_FALSE(painters.due(3 * base::kSecondNs - 1));
  EXPECT_TRUE(painters.due(3 * base::kSecondNs)) << "it was told to ask again";
}

TEST(LoadPainters, BeginNothingNewOnceStopped) {
  auto painters = ready(2, 0);
  painters[1].pending = Pending{.place = {}, .sent_ns = 0, .again_ns = 0};
  painters.stop();
  EXPECT_EQ(painters.due(base::kSecondNs), 1) << "what is open is asked again";
  EXPECT_FALSE(painters.due(base::kSecondNs));
}

TEST(LoadPainters, WhoIsAwayDoesNotPlace) {
  auto painters = ready(2, 0);
  painters[0].ready = false;
  const auto placed = paint(painters, 2, 1);
  EXPECT_FALSE(placed.contains(0));
}

}  // namespace
}  // namespace load
