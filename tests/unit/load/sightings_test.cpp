// How long ago the placements of a delta were sent.
#include "load/sightings.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

TEST(LoadSightings, TellTheOldestPlacementOfADelta) {
  Sightings sightings;
  sightings.sent(3, 100);
  sightings.sent(4, 90);
  sightings.sent(5, 80);
  EXPECT_EQ(sightings.oldest_ns(0, 2, {{3, 1}, {4, 1}}), 90);
  EXPECT_EQ(sightings.oldest_ns(2, 3, {{5, 1}}), 80);
}

TEST(LoadSightings, KnowNothingOfOthers) {
  Sightings sightings;
  sightings.sent(3, 100);
  sightings.refused(3);
  EXPECT_EQ(sightings.oldest_ns(0, 1, {{3, 1}}), 0);
}

TEST(LoadSightings, RememberThemForThoseWhoSeeThemLater) {
  Sightings sightings;
  sightings.sent(3, 100);
  sightings.sent(4, 200);
  EXPECT_EQ(sightings.oldest_ns(0, 2, {{3, 1}}), 100);
  EXPECT_EQ(sightings.oldest_ns(2, 4, {{4, 1}}), 200);
  EXPECT_EQ(sightings.oldest_ns(0, 4, {{3, 1}, {4, 1}}), 100) << "one who was behind";
  EXPECT_EQ(sightings.oldest_ns(2, 4, {{4, 1}}), 200);
}

}  // namespace
}  // namespace load
