// Following the changes of a ledger, however they arrive.
#include "ledger/redis/follower.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ledger {
namespace {

using Verdict = Follower::Verdict;
using Counters = std::vector<Counter>;

std::string digest(char branch, std::uint64_t changes) { return branch + std::to_string(changes); }

/// The change that makes it so many, on a branch of history.
Change change(std::uint64_t changes, char branch = 'a', std::uint64_t epoch = 1) {
  return {digest(branch, changes - 1),
          {epoch, changes, digest(branch, changes)},
          {{"x", static_cast<std::int64_t>(changes)}}};
}

class FollowerTest : public testing::Test {
 protected:
  FollowerTest() { follower.reset({1, 5, digest('a', 5)}); }
  Follower follower;
};

TEST_F(FollowerTest, AppliesWhatFollows) {
  EXPECT_EQ(follower.offer(change(6)), Verdict::applied);
  EXPECT_EQ(follower.offer(change(7)), Verdict::applied);
  EXPECT_EQ(follower.at(), (Standing{1, 7, digest('a', 7)}));
  EXPECT_EQ(follower.take(), (Counters{{"x", 6}, {"x", 7}}));
  EXPECT_TRUE(follower.take().empty());
}

TEST_F(FollowerTest, KnowsWhatItHasSeen) {
  EXPECT_EQ(follower.offer(change(5)), Verdict::known);
  EXPECT_EQ(follower.offer(change(3)), Verdict::known);
  EXPECT_TRUE(follower.take().empty());
}

TEST_F(FollowerTest, KeepsWhatCameTooEarlyUntilTheRestIsThere) {
  EXPECT_EQ(follower.offer(change(8)), Verdict::known);
  EXPECT_EQ(follower.offer(change(7)), Verdict::known);
  EXPECT_TRUE(follower.has_gap());
  EXPECT_TRUE(follower.take().empty());
  EXPECT_EQ(follower.offer(change(6)), Verdict::applied);
  EXPECT_EQ(follower.take(), (Counters{{"x", 6}, {"x", 7}, {"x", 8}})) << "in order";
  EXPECT_FALSE(follower.has_gap());
}

TEST_F(FollowerTest, NoticesAnotherHistory) {
  EXPECT_EQ(follower.offer(change(6, 'b')), Verdict::diverged);
  EXPECT_EQ(follower.at(), (Standing{1, 5, digest('a', 5)}));
  EXPECT_EQ(follower.offer(change(6)), Verdict::applied) << "it can still go on";
}

TEST_F(FollowerTest, GoesOnFromWhatWasLoaded) {
  follower.offer(change(9));
  follower.offer(change(7));
  follower.reset({1, 8, digest('a', 8)});
  EXPECT_EQ(follower.at(), (Standing{1, 9, digest('a', 9)}));
  EXPECT_EQ(follower.take(), (Counters{{"x", 9}}));
}

TEST_F(FollowerTest, ForgetsWhatBelongsToALostHistory) {
  follower.offer(change(7));
  follower.reset({1, 6, digest('b', 6)});
  EXPECT_FALSE(follower.has_gap());
  EXPECT_EQ(follower.offer(change(7, 'b')), Verdict::applied);
  EXPECT_EQ(follower.take(), (Counters{{"x", 7}}));
}

TEST_F(FollowerTest, AppliesNothingOfAnotherEpoch) {
  EXPECT_EQ(follower.offer(change(6, 'a', 2)), Verdict::diverged) << "it was made again";
  follower.offer(change(7));
  follower.reset({2, 5, digest('a', 5)});
  EXPECT_EQ(follower.offer(change(6, 'a', 1)), Verdict::known) << "lost with the one before";
  EXPECT_EQ(follower.offer(change(6, 'a', 2)), Verdict::applied);
  EXPECT_EQ(follower.at(), (Standing{2, 6, digest('a', 6)}));
}

TEST_F(FollowerTest, HoldsABoundedNumber) {
  auto verdict = Verdict::known;
  std::uint64_t changes = 7;
  while (verdict == Verdict::known && changes < 100'000)
    verdict = follower.offer(change(changes++));
  EXPECT_EQ(verdict, Verdict::diverged);
  EXPECT_LT(changes, 10'000U);
}

}  // namespace
}  // namespace ledger
