// The counters in memory: what requests read and streams follow.
#include "service/live_counters.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace service {
namespace {

using ledger::Counter;
using Counters = std::vector<Counter>;

void apply(LiveCounters& counters, const Counters& changed) { counters.apply(changed); }

TEST(LiveCounters, OneThatNobodyPressedIsAtZeroAndNotListed) {
  LiveCounters counters;
  EXPECT_EQ(counters.value("x"), 0);
  const auto following = counters.follow("x");
  EXPECT_EQ(*counters.newest(following->topic()).bytes, "data: {\"value\":0}\n\n");
  EXPECT_TRUE(counters.all().empty());
}

TEST(LiveCounters, AreListedByName) {
  LiveCounters counters;
  apply(counters, {{"b", 2}, {"a", 1}});
  EXPECT_EQ(counters.all(), (Counters{{"a", 1}, {"b", 2}}));
  apply(counters, {{"b", 0}});
  EXPECT_EQ(counters.all(), (Counters{{"a", 1}, {"b", 0}})) << "a reset one stays";
}

TEST(LiveCounters, TellEveryTopicsNewestValueOnce) {
  LiveCounters counters;
  const auto one = counters.follow("x");
  const auto another = counters.follow("x");
  const auto other = counters.follow("y");
  EXPECT_EQ(one->topic(), another->topic());
  EXPECT_NE(one->topic(), other->topic());
  apply(counters, {{"x", 1}});
  apply(counters, {{"x", 2}, {"unfollowed", 9}});
  const auto changed = counters.take_changed();
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].topic, one->topic());
  EXPECT_EQ(*changed[0].bytes, "data: {\"value\":2}\n\n");
  EXPECT_EQ(changed[0].version, counters.newest(one->topic()).version);
  EXPECT_TRUE(counters.take_changed().empty());
  apply(counters, {{"y", 0}});
  EXPECT_TRUE(counters.take_changed().empty()) << "it is what it was";
}

TEST(LiveCounters, VersionsGrowWithEveryChange) {
  LiveCounters counters;
  const auto following = counters.follow("x");
  auto version = counters.newest(following->topic()).version;
  for (const std::int64_t value : {5, 4, 5}) {
    apply(counters, {{"x", value}});
    EXPECT_GT(counters.newest(following->topic()).version, version);
    version = counters.newest(following->topic()).version;
  }
}

TEST(LiveCounters, WhoHasLeftIsToldNoMoreAndATopicIsNeverAnothers) {
  LiveCounters counters;
  auto following = counters.follow("x");
  const auto before = following->topic();
  apply(counters, {{"x", 1}});
  following.reset();
  EXPECT_TRUE(counters.take_changed().empty());
  following = counters.follow("x");
  EXPECT_NE(following->topic(), before);
  EXPECT_EQ(*counters.newest(following->topic()).bytes, "data: {\"value\":1}\n\n");
  apply(counters, {{"x", 2}});
  EXPECT_EQ(counters.take_changed().size(), 1U);
}

TEST(LiveCounters, BeginAnewWithWhatWasLoaded) {
  LiveCounters counters;
  const auto gone = counters.follow("gone");
  const auto kept = counters.follow("kept");
  apply(counters, {{"gone", 3}, {"kept", 4}, {"unfollowed", 5}});
  static_cast<void>(counters.take_changed());
  counters.reset(Counters{{"kept", 4}, {"new", 5}});
  EXPECT_EQ(counters.all(), (Counters{{"kept", 4}, {"new", 5}}));
  EXPECT_EQ(counters.value("gone"), 0);
  EXPECT_EQ(counters.value("unfollowed"), 0);
  const auto changed = counters.take_changed();
  ASSERT_EQ(changed.size(), 1U) << "who follows hears what is different";
  EXPECT_EQ(changed[0].topic, gone->topic());
  EXPECT_EQ(*counters.newest(kept->topic()).bytes, "data: {\"value\":4}\n\n");
}

TEST(LiveCounters, OnlySoManyThatNobodyHasPressedCanBeFollowedAtOnce) {
  LiveCounters counters;
  std::vector<Following> all;
  for (std::size_t i = 0; i < base::limits::kIdleTopicsMax; ++i) {
    all.push_back(counters.follow("counter-" + std::to_string(i)).value());
  }
  EXPECT_FALSE(counters.follow("one-more"));
  EXPECT_TRUE(counters.follow("counter-0")) << "it is followed already";
  apply(counters, {{"one-more", 1}});
  EXPECT_TRUE(counters.follow("one-more")) << "it has been pressed";
  apply(counters, {{"counter-0", 1}});
  EXPECT_TRUE(counters.follow("another")) << "one of them is no idle one any more";
  all.clear();
  for (std::size_t i = 0; i < base::limits::kIdleTopicsMax; ++i) {
    all.push_back(counters.follow("other-" + std::to_string(i)).value());
  }
  all.clear();
  counters.reset({});
  EXPECT_TRUE(counters.all().empty());
}

}  // namespace
}  // namespace service
