// One shard of the hub: the same frame to everyone who is there.
#include <gtest/gtest.h>

#include <array>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net/fake_feed.hpp"

namespace net {
namespace {

class HubShardTest : public ::testing::Test {
 protected:
  ops::CanvasMetrics metrics{"test"};
  FakeFeed feed;
  HubShard shard{feed, 40, metrics};

  service::Tick tick(std::uint64_t base, std::uint64_t offset) {
    return {base, offset, feed.catch_up(base, offset)};
  }

  double frames_counted() {
    const auto text = metrics.text();
    const std::string series = "pixel_battle_frames_sent_total{kind=\"delta\"} ";
    return std::stod(text.substr(text.find(series) + series.size()));
  }
};

TEST_F(HubShardTest, BringsTheSameFrameToEverySubscriber) {
  std::vector<FakeSubscriber> all(3);
  for (auto& subscriber : all) shard.add(subscriber);
  EXPECT_EQ(shard.subscribers(), 3U);
  EXPECT_EQ(shard.offset(), 40U);
  const auto sent = tick(40, 45);
  shard.deliver(sent);
  EXPECT_EQ(shard.offset(), 45U);
  for (const auto& subscriber : all) {
    ASSERT_EQ(subscriber.ticks.size(), 1U);
    EXPECT_EQ(subscriber.ticks[0].frame, sent.frame) << "shared, not copied";
  }
  EXPECT_EQ(frames_counted(), 3);
}

TEST_F(HubShardTest, WritesStraightToTheSocketOfWhoeverFollowsFromThere) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  FakeSubscriber subscriber;
  shard.add(subscriber);
  shard.follow(subscriber, pair[0], 40);
  const auto first = tick(40, 45);
  shard.deliver(first);
  std::string received(first.frame->size() + 1, '\0');
  const auto size = ::recv(pair[1], received.data(), received.size(), 0);
  ASSERT_EQ(size, static_cast<ssize_t>(first.frame->size()));
  EXPECT_EQ(received.substr(0, first.frame->size()), *first.frame);
  EXPECT_TRUE(subscriber.ticks.empty()) << "nobody had to be asked";
  EXPECT_EQ(shard.unfollow(subscriber), 45U);

  shard.follow(subscriber, pair[0], 44);
  shard.deliver(tick(45, 46));
  EXPECT_EQ(subscriber.ticks.size(), 1U) << "it stands elsewhere, so it has to catch up itself";
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_F(HubShardTest, HandsOverWhatTheSocketDoesNotTake) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  FakeSubscriber full;
  shard.add(full);
  const service::Tick large{40, 41, std::make_shared<const std::string>(8 << 20, 'x')};
  shard.follow(full, pair[0], 40);
  shard.deliver(large);
  ASSERT_EQ(full.kept.size(), 1U);
  EXPECT_EQ(full.kept[0].tick.frame, large.frame);
  EXPECT_GT(full.kept[0].sent, 0U);
  EXPECT_LT(full.kept[0].sent, large.frame->size());
  EXPECT_FALSE(full.kept[0].failed);
  EXPECT_EQ(shard.unfollow(full), 41U);

  ::close(pair[1]);
  shard.follow(full, pair[0], 41);
  shard.deliver({41, 42, large.frame});
  ASSERT_EQ(full.kept.size(), 2U);
  EXPECT_TRUE(full.kept[1].failed);
  ::close(pair[0]);
}

TEST_F(HubShardTest, CountsOnlyTheFramesThatWereSent) {
  std::vector<FakeSubscriber> all(3);
  all[1].keeps_up = false;
  for (auto& subscriber : all) shard.add(subscriber);
  shard.deliver(tick(40, 41));
  EXPECT_EQ(frames_counted(), 2);
}

TEST_F(HubShardTest, WhoLeftGetsNothingMoreAndTheOthersDo) {
  std::vector<FakeSubscriber> all(4);
  for (auto& subscriber : all) shard.add(subscriber);
  shard.remove(all[0]);
  shard.remove(all[3]);
  EXPECT_EQ(shard.subscribers(), 2U);
  shard.deliver(tick(40, 41));
  shard.tell(feed.presence(2));
  for (const std::size_t gone : {0, 3}) {
    EXPECT_TRUE(all[gone].ticks.empty());
    EXPECT_TRUE(all[gone].told.empty());
  }
  for (const std::size_t there : {1, 2}) {
    EXPECT_EQ(all[there].ticks.size(), 1U);
    EXPECT_EQ(all[there].told, std::vector<std::string>{"online 2"});
  }
  shard.remove(all[1]);
  shard.remove(all[2]);
  EXPECT_EQ(shard.subscribers(), 0U);
}

TEST_F(HubShardTest, WhenEverythingBeginsAnewEverybodyIsToldAndNobodyGetsADelta) {
  FakeSubscriber subscriber;
  shard.add(subscriber);
  shard.deliver({.base = 12, .offset = 12, .frame = feed.too_far_behind(), .anew = true});
  EXPECT_EQ(subscriber.sent_away, std::vector<std::string>{"too far behind"});
  EXPECT_TRUE(subscriber.ticks.empty());
  EXPECT_EQ(shard.offset(), 12U) << "even if that is before";
  shard.remove(subscriber);
}

TEST_F(HubShardTest, WhoComesBackFromOnePositionSharesOneCatchUp) {
  const auto first = shard.catch_up(35);
  EXPECT_EQ(*first, "35 to 40");
  EXPECT_EQ(shard.catch_up(35), first);
  EXPECT_EQ(feed.catch_ups_made, 1);
  EXPECT_EQ(*shard.catch_up(36), "36 to 40");
}

TEST_F(HubShardTest, ACatchUpReachesTheLastTick) {
  shard.catch_up(35);
  shard.deliver(tick(40, 50));
  EXPECT_EQ(*shard.catch_up(35), "35 to 50");
  EXPECT_EQ(*shard.too_far_behind(), "too far behind");
}

TEST_F(HubShardTest, MeasuresItsDeliveries) {
  FakeSubscriber slow;
  slow.on_deliver = [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  shard.add(slow);
  shard.deliver(tick(40, 41));
  EXPECT_GE(shard.delivery_ns(), 5'000'000);
}

}  // namespace
}  // namespace net
