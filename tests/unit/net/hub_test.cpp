// When the hub ticks, and how it tells the number of players. Both workers' contexts are run by
// the test, so nothing happens that it did not let happen.
#include "net/hub.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "tests/unit/net/fake_feed.hpp"

namespace net {
namespace {

namespace limits = base::limits;

class HubTest : public ::testing::Test {
 protected:
  void SetUp() override {
    here_shard.add(here);
    there_shard.add(there);
  }

  Hub make_hub(int tick_ms_max = 200) {
    return {{{&io, &here_shard}, {&other_io, &there_shard}},
            feed,
            tick_ms_max,
            metrics,
            [this](std::uint32_t count) {
              online.push_back(count);
              return count;
            }};
  }

  void become_durable(Hub& hub, std::uint64_t offset) {
    feed.durable = offset;
    hub.wake();
  }

  /// Lets happen what needs no waiting.
  void run_ready() {
    io.restart();
    io.poll();
    other_io.restart();
    other_io.poll();
  }

  /// Lets time pass until `done`, 20 s at most.
  template <class Done>
  void run_until(Done done) {
    const auto deadline_ms = base::steady_ms() + 20'000;
    while (!done() && base::steady_ms() < deadline_ms) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(100));
      other_io.restart();
      other_io.poll();
    }
    ASSERT_TRUE(done());
  }

  ops::CanvasMetrics metrics{"test"};
  FakeFeed feed;
  asio::io_context io{1};
  asio::io_context other_io{1};
  HubShard here_shard{feed, 0, metrics};
  HubShard there_shard{feed, 0, metrics};
  FakeSubscriber here;
  FakeSubscriber there;
  std::vector<std::uint32_t> online;
};

TEST_F(HubTest, TicksAtOnceWhenItWasQuiet) {
  auto hub = make_hub();
  become_durable(hub, 3);
  run_ready();
  ASSERT_EQ(here.ticks.size(), 1U);
  EXPECT_EQ(here.ticks[0].base, 0U);
  EXPECT_EQ(here.ticks[0].offset, 3U);
  ASSERT_EQ(there.ticks.size(), 1U);
  EXPECT_EQ(there.ticks[0].frame, here.ticks[0].frame) << "one frame for all workers";
}

TEST_F(HubTest, ManyWakeUpsAreOneTick) {
  auto hub = make_hub();
  for (std::uint64_t offset = 1; offset <= 100; ++offset) become_durable(hub, offset);
  run_ready();
  EXPECT_EQ(feed.ticks_asked_for, 1);
  ASSERT_EQ(here.ticks.size(), 1U);
  EXPECT_EQ(here.ticks[0].offset, 100U);
}

TEST_F(HubTest, WhatComesSoonAfterATickWaitsForTheNextAndIsConflated) {
  auto hub = make_hub();
  const auto begin_ns = base::steady_ns();
  become_durable(hub, 1);
  run_ready();
  for (std::uint64_t offset = 2; offset <= 50; ++offset) become_durable(hub, offset);
  run_until([&] { return here.ticks.size() == 2; });
  EXPECT_GE(base::steady_ns() - begin_ns, (limits::kTickMsMin - 1) * 1'000'000LL);
  EXPECT_EQ(here.ticks[1].base, 1U);
  EXPECT_EQ(here.ticks[1].offset, 50U);
  EXPECT_EQ(feed.ticks_asked_for, 2);
}

TEST_F(HubTest, AWakeUpWithoutNewsReachesNobody) {
  auto hub = make_hub();
  hub.wake();
  run_ready();
  EXPECT_EQ(feed.ticks_asked_for, 1);
  EXPECT_TRUE(here.ticks.empty());
}

TEST_F(HubTest, NothingIsMissedThatBecomesDurableDuringATick) {
  auto hub = make_hub();
  here.on_deliver = [&] {
    if (feed.durable < 5) become_durable(hub, feed.durable + 1);
  };
  become_durable(hub, 1);
  run_until([&] { return here.ticks.size() == 5; });
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(here.ticks[i].base, i) << "no gap";
}

TEST_F(HubTest, ATickLastsTwiceAsLongAsItsDelivery) {
  static constexpr std::int64_t kDeliveryMs = 40;
  auto hub = make_hub();
  here.on_deliver = [] { std::this_thread::sleep_for(std::chrono::milliseconds(kDeliveryMs)); };
  const auto begin_ns = base::steady_ns();
  become_durable(hub, 1);
  run_ready();
  become_durable(hub, 2);
  run_until([&] { return here.ticks.size() == 2; });
  const auto both_ns = base::steady_ns() - begin_ns;
  EXPECT_GE(both_ns, (3 * kDeliveryMs - 2) * 1'000'000) << "two, and the second delivery itself";
}

TEST_F(HubTest, ATickLastsAtMostItsConfiguredTime) {
  static constexpr int kTickMsMax = 30;
  auto hub = make_hub(kTickMsMax);
  here.on_deliver = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2 * kTickMsMax)); };
  become_durable(hub, 1);
  run_ready();
  become_durable(hub, 2);
  run_ready();
  EXPECT_EQ(here.ticks.size(), 2U) << "the delivery took longer, so the next is due already";
}

TEST_F(HubTest, TellsEverySubscriberOfEveryWorker) {
  auto hub = make_hub();
  hub.tell(feed.draining(0));
  run_ready();
  EXPECT_EQ(here.told, std::vector<std::string>{"draining"});
  EXPECT_EQ(there.told, std::vector<std::string>{"draining"});
}

TEST_F(HubTest, ANoticeReachesEverySubscriberOfEveryWorkerOnceAndBeforeTheTick) {
  auto hub = make_hub();
  std::size_t notified_before_the_tick = 0;
  here.on_deliver = [&] { notified_before_the_tick = here.notified.size(); };
  feed.notices = {"frozen", "cooldown"};
  become_durable(hub, 1);
  run_ready();
  ASSERT_EQ(here.notified.size(), 2U);
  EXPECT_EQ(*here.notified[0], "frozen");
  EXPECT_EQ(*here.notified[1], "cooldown");
  EXPECT_EQ(there.notified, here.notified) << "one frame for all workers";
  EXPECT_EQ(notified_before_the_tick, 2U);
  ASSERT_EQ(here.ticks.size(), 1U);

  become_durable(hub, 2);
  run_until([&] { return here.ticks.size() == 2; });
  EXPECT_EQ(here.notified.size(), 2U) << "said once";
}

TEST_F(HubTest, ANoticeNeedsNoTick) {
  auto hub = make_hub();
  feed.notices = {"frozen"};
  hub.wake();
  run_ready();
  EXPECT_EQ(here.notified.size(), 1U);
  EXPECT_EQ(there.notified.size(), 1U);
  EXPECT_TRUE(here.ticks.empty());
}

TEST_F(HubTest, TellsTheNumberOfPlayersWhenItChanges) {
  auto hub = make_hub();
  const auto begin_ms = base::steady_ms();
  hub.start();
  run_until([&] { return online.size() == 1; });
  EXPECT_GE(base::steady_ms() - begin_ms, limits::kPresenceEveryMs - 1);
  run_ready();
  EXPECT_EQ(online, std::vector<std::uint32_t>{2}) << "of both workers";
  EXPECT_EQ(here.told, std::vector<std::string>{"online 2"});
  EXPECT_EQ(there.told, std::vector<std::string>{"online 2"});

  run_until([&] { return online.size() == 2; });
  run_ready();
  EXPECT_EQ(here.told.size(), 1U) << "nothing has changed";
}

TEST_F(HubTest, StopsWhenTold) {
  auto hub = make_hub();
  hub.start();
  become_durable(hub, 1);
  run_ready();
  become_durable(hub, 2);
  run_ready();  // the next tick is scheduled
  hub.stop();
  run_ready();
  EXPECT_TRUE(io.stopped()) << "no timer is left";
  become_durable(hub, 3);
  run_ready();
  EXPECT_EQ(here.ticks.size(), 1U);
}

}  // namespace
}  // namespace net
