// Whose confirmation makes an entry durable.
#include "redis/confirmers.hpp"

#include <gtest/gtest.h>

namespace redis {
namespace {

using Verdict = Confirmers::Verdict;

Confirmers with(ReplicaSet online, std::int64_t least = 1) {
  Confirmers confirmers;
  confirmers.reset(std::move(online), least);
  return confirmers;
}

TEST(Confirmers, WaitForEveryReplicaThatIsThere) {
  auto confirmers = with({"a:1", "b:1"});
  EXPECT_EQ(confirmers.count(), 2);
  EXPECT_EQ(confirmers.judge(2, {"a:1", "b:1"}), Verdict::confirmed);
  EXPECT_EQ(confirmers.judge(1, {"a:1", "b:1"}), Verdict::too_few);
}

TEST(Confirmers, AreAtLeastAsManyAsWanted) {
  auto confirmers = with({}, 1);
  EXPECT_EQ(confirmers.count(), 1);
  EXPECT_EQ(confirmers.judge(0, {}), Verdict::too_few);
  EXPECT_EQ(confirmers.judge(1, {"a:1"}), Verdict::confirmed);
  EXPECT_EQ(with({}, 0).count(), 0);
}

TEST(Confirmers, ANewcomerIsWaitedForFromThenOn) {
  auto confirmers = with({"a:1"});
  EXPECT_EQ(confirmers.judge(1, {"a:1", "b:1"}), Verdict::again) << "b may be the one without it";
  EXPECT_EQ(confirmers.count(), 2);
  EXPECT_EQ(confirmers.judge(2, {"a:1", "b:1"}), Verdict::confirmed);
}

TEST(Confirmers, ANewcomerThatWasSeenBetweenTwoWritesMustConfirmTheNext) {
  auto confirmers = with({"a:1"});
  EXPECT_TRUE(confirmers.see({"a:1", "b:1"}));
  EXPECT_EQ(confirmers.judge(1, {"a:1"}), Verdict::too_few) << "b may be the master by now";
}

TEST(Confirmers, ANewcomerDoesNotReplaceWhoHasGone) {
  auto confirmers = with({"a:1"});
  EXPECT_EQ(confirmers.judge(1, {"b:1"}), Verdict::too_few) << "a may be the master by now";
  EXPECT_EQ(confirmers.judge(1, {"b:1"}), Verdict::too_few);
}

TEST(Confirmers, WhoHasGoneCountsUntilTheMasterIsKnownToBeTheMaster) {
  auto confirmers = with({"a:1", "b:1"});
  EXPECT_EQ(confirmers.judge(1, {"b:1"}), Verdict::too_few);
  EXPECT_FALSE(confirmers.see({"b:1"}));
  confirmers.forget_missing({"b:1"});
  EXPECT_TRUE(confirmers.see({"b:1"}));
  EXPECT_EQ(confirmers.judge(1, {"b:1"}), Verdict::confirmed);
}

}  // namespace
}  // namespace redis
