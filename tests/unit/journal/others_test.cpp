// Who else lives, and when the subscription counts as mute.
#include "journal/redis/heartbeat.hpp"

#include <gtest/gtest.h>

namespace journal {
namespace {

using std::chrono::milliseconds;

constexpr Heartbeat::Time kBegin{std::chrono::hours(1)};
constexpr milliseconds kEvery{500};

Presence from(std::uint64_t replica, std::uint32_t online) {
  return {.replica = replica, .number = 1, .online = online};
}

TEST(Heartbeat, TellsHowManyAreHere) {
  Heartbeat heartbeat(7);
  heartbeat.set_online(31);
  EXPECT_EQ(heartbeat.next(), (Presence{.replica = 7, .number = 1, .online = 31}));
  EXPECT_EQ(heartbeat.next(), (Presence{.replica = 7, .number = 2, .online = 31}));
}

TEST(Heartbeat, AddsUpTheOthersAndForgetsThemWhenTheyAreSilent) {
  Heartbeat heartbeat(7);
  heartbeat.set_online(31);
  heartbeat.hear(heartbeat.next(), kBegin);
  EXPECT_EQ(heartbeat.elsewhere(), 0U);
  heartbeat.hear(from(8, 10), kBegin);
  heartbeat.hear(from(9, 5), kBegin + milliseconds(4'000));
  heartbeat.hear(from(8, 11), kBegin + milliseconds(4'000));
  EXPECT_EQ(heartbeat.elsewhere(), 16U);
  heartbeat.hear(from(9, 6), kBegin + milliseconds(9'001));
  EXPECT_EQ(heartbeat.elsewhere(), 6U);
}

TEST(Heartbeat, IsNotMuteWhileItsBeatsComeBackOneLate) {
  Heartbeat heartbeat(7);
  heartbeat.listen_anew(kBegin);
  auto late = heartbeat.next();
  for (int i = 1; i < 20; ++i) {
    const auto beat = heartbeat.next();
    EXPECT_FALSE(heartbeat.is_mute(kBegin + i * kEvery));
    heartbeat.hear(late, kBegin + i * kEvery);
    late = beat;
  }
}

TEST(Heartbeat, IsMuteOnceWithinOneAndAHalfSeconds) {
  Heartbeat heartbeat(7);
  heartbeat.listen_anew(kBegin);
  heartbeat.hear(heartbeat.next(), kBegin);
  int mute_ms = 0;
  for (int i = 1; i <= 4; ++i) {
    static_cast<void>(heartbeat.next());
    if (!heartbeat.is_mute(kBegin + i * kEvery)) continue;
    EXPECT_EQ(mute_ms, 0) << "told twice";
    mute_ms = static_cast<int>((i * kEvery).count());
  }
  EXPECT_GT(mute_ms, 500);
  EXPECT_LE(mute_ms, 1'500);
}

}  // namespace
}  // namespace journal
