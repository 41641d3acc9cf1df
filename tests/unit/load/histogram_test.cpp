// Percentiles of durations.
#include "load/histogram.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace load {
namespace {

TEST(LoadHistogram, SaysNothingOfNothing) {
  const Histogram histogram;
  EXPECT_FALSE(histogram.percentile_ms(50));
  EXPECT_FALSE(histogram.max_ms());
}

TEST(LoadHistogram, KnowsWhatAShareDoesNotExceed) {
  Histogram histogram;
  for (int ms = 1; ms <= 1000; ++ms) histogram.add(ms * base::kMsNs);
  for (const int percent : {1, 50, 95, 99}) {
    EXPECT_NEAR(*histogram.percentile_ms(percent), percent * 10, percent * 10 * 0.016);
    EXPECT_GE(*histogram.percentile_ms(percent), percent * 10) << "never too good";
  }
  EXPECT_EQ(histogram.percentile_ms(100), 1000);
  EXPECT_EQ(histogram.max_ms(), 1000);
  EXPECT_EQ(histogram.count(), 1000);
}

TEST(LoadHistogram, IsExactForOneAndForShortOnes) {
  for (const std::int64_t us : {0, 1, 63, 64, 127, 128, 1'000'000}) {
    Histogram histogram;
    histogram.add(us * 1000);
    EXPECT_DOUBLE_EQ(*histogram.percentile_ms(50), static_cast<double>(us) / 1000);
  }
}

TEST(LoadHistogram, TakesWhatIsTooShortAndTooLong) {
  Histogram histogram;
  histogram.add(-5);
  histogram.add(INT64_MAX);
  EXPECT_EQ(histogram.percentile_ms(50), 0);
  EXPECT_EQ(histogram.count(), 2);
  histogram.clear();
  EXPECT_FALSE(histogram.max_ms());
}

}  // namespace
}  // namespace load
