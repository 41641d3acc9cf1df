// The live canvas: who may go on from where, and what brings them up to date.
#include "service/live_canvas.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/limits.hpp"
#include "tests/unit/service/fakes.hpp"

namespace service {
namespace {

namespace limits = base::limits;
using Reason = wire::SnapshotReason;

constexpr std::uint64_t kEpoch = 7;
constexpr canvas::Size kSize{1000, 1000};

canvas::Standing at(std::uint64_t offset) { return {{kEpoch, offset}, digest_at(offset)}; }

class LiveCanvasTest : public ::testing::Test {
 protected:
  ops::CanvasMetrics metrics{"test"};
  LiveCanvas live{start_at({kEpoch, 100}, kSize), kColorBits, metrics};

  void place(std::uint16_t x, std::uint16_t y, std::uint8_t color) {
    apply(live, entry(live.standing().position.offset + 1, x, y, color));
  }
};

TEST_F(LiveCanvasTest, StandsWhereTheJournalStands) {
  EXPECT_EQ(live.standing().position, (canvas::Position{kEpoch, 100}));
  place(3, 2, 9);
  EXPECT_EQ(live.standing().position, (canvas::Position{kEpoch, 101}));
  EXPECT_EQ(live.standing().digest, digest_at(101));
  EXPECT_EQ(live.color_at(3, 2), 9);
  EXPECT_EQ(live.color_at(2, 3), canvas::kBlankColor);
}

TEST_F(LiveCanvasTest, AfterAResetEverybodyIsSentToTheSnapshot) {
  place(1, 1, 1);
  live.reset(start_at({kEpoch + 1, 90}, kSize));
  EXPECT_EQ(live.standing().position, (canvas::Position{kEpoch + 1, 90}));
  EXPECT_EQ(live.color_at(1, 1), canvas::kBlankColor);
  EXPECT_EQ(live.refuses(at(90)), Reason::other_epoch);
  EXPECT_EQ(live.refuses({{kEpoch + 1, 90}, digest_at(90)}), std::nullopt);

  const auto tick = live.take_tick();
  ASSERT_TRUE(tick);
  EXPECT_TRUE(tick->anew);
  EXPECT_EQ(tick->offset, 90U);
  const auto needed = message_in<wire::SnapshotNeeded>(tick->frame);
  EXPECT_EQ(needed.why, Reason::other_epoch);
  EXPECT_EQ(needed.position, (canvas::Position{kEpoch + 1, 90}));

  place(2, 2, 2);
  const auto next = live.take_tick();
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->anew) << "said once";
  EXPECT_EQ(next->base, 90U);
}

TEST_F(LiveCanvasTest, UntilTheJournalHasGivenABoardNobodyCanFollow) {
  LiveCanvas unknown(start_at({0, 0}, kSize), kColorBits, metrics);
  EXPECT_FALSE(unknown.known());
  EXPECT_EQ(unknown.refuses({{0, 0}, digest_at(0)}), Reason::other_epoch);
  unknown.reset(start_at({kEpoch, 100}, kSize));
  EXPECT_TRUE(unknown.known());
  EXPECT_EQ(unknown.refuses(at(100)), std::nullopt);
  EXPECT_FALSE(unknown.take_tick().has_value()) << "there was nobody to be sent anywhere";
}

TEST_F(LiveCanvasTest, ASnapshotStaysAsItWasTaken) {
  place(1, 1, 1);
  const auto snapshot = live.snapshot();
  place(1, 1, 2);
  EXPECT_EQ(snapshot.at.position.offset, 101U);
  EXPECT_EQ(snapshot.at.digest, digest_at(101));
  EXPECT_EQ(snapshot.board.at(1, 1), 1);
}

TEST_F(LiveCanvasTest, AReaderWhoSawTheSameHistoryGoesOn) {
  for (std::uint8_t i = 0; i < 5; ++i) place(i, 0, i);
  for (std::uint64_t offset = 100; offset <= 105; ++offset) {
    EXPECT_EQ(live.refuses(at(offset)), std::nullopt) << offset;
  }
}

TEST_F(LiveCanvasTest, AReaderWhoSawAnotherHistoryNeedsASnapshot) {
  place(1, 1, 1);
  EXPECT_EQ(live.refuses({{kEpoch + 1, 101}, digest_at(101)}), Reason::other_epoch);
  EXPECT_EQ(live.refuses({{kEpoch, 101}, digest_at(101) + 1}), Reason::digest);
  EXPECT_EQ(live.refuses({{kEpoch, 100}, 0}), Reason::digest);
  EXPECT_EQ(live.refuses(at(102)), Reason::ahead);
  EXPECT_EQ(live.refuses(at(UINT64_MAX)), Reason::ahead);
  EXPECT_EQ(live.refuses(at(99)), Reason::too_old);
  EXPECT_EQ(live.refuses(at(0)), Reason::too_old);
}

TEST_F(LiveCanvasTest, WhatTheJournalFoundAtStartIsThereToCatchUp) {
  auto start = start_at({kEpoch, 100}, kSize);
  for (std::uint64_t offset = 90; offset <= 100; ++offset) {
    start.tail.push_back(entry(offset, 1, 1, static_cast<std::uint8_t>(offset - 90)));
  }
  LiveCanvas restarted(std::move(start), kColorBits, metrics);
  EXPECT_EQ(restarted.standing().digest, digest_at(100));
  EXPECT_EQ(restarted.refuses(at(95)), std::nullopt);
  EXPECT_EQ(restarted.refuses(at(90)), std::nullopt) << "nothing before it is needed";
  EXPECT_EQ(restarted.refuses(at(89)), Reason::too_old);
  const auto delta = message_in<wire::Delta>(restarted.catch_up(90, 100));
  EXPECT_EQ(delta.pixels, (std::vector<canvas::PixelChange>{{1001, 10}}));
  EXPECT_FALSE(restarted.take_tick().has_value()) << "nothing new";
}

TEST_F(LiveCanvasTest, ATickHoldsWhatIsNewSinceTheLastOne) {
  EXPECT_FALSE(live.take_tick().has_value());
  place(3, 2, 7);
  place(4, 2, 1);
  place(3, 2, 8);
  const auto tick = live.take_tick();
  ASSERT_TRUE(tick.has_value());
  EXPECT_EQ(tick->base, 100U);
  EXPECT_EQ(tick->offset, 103U);
  const auto delta = message_in<wire::Delta>(tick->frame);
  EXPECT_EQ(delta.base, 100U);
  EXPECT_EQ(delta.advance, 3U);
  EXPECT_EQ(delta.digest, digest_at(103));
  EXPECT_EQ(delta.pixels, (std::vector<canvas::PixelChange>{{2003, 8}, {2004, 1}}))
      << "the last write wins";
  EXPECT_FALSE(live.take_tick().has_value());

  place(0, 0, 5);
  EXPECT_EQ(live.take_tick()->base, 103U) << "ticks join without a gap";
}

TEST_F(LiveCanvasTest, ATickBeyondTheTailHasNoFrame) {
  for (std::size_t i = 0; i <= limits::kTailEntriesMax; ++i) place(0, 0, 1);
  const auto tick = live.take_tick();
  ASSERT_TRUE(tick.has_value());
  EXPECT_EQ(tick->offset, 100 + limits::kTailEntriesMax + 1);
  EXPECT_EQ(tick->frame, nullptr);
  EXPECT_EQ(live.refuses(at(100)), Reason::too_old);
  EXPECT_EQ(live.refuses(at(tick->offset - limits::kTailEntriesMax + 1)), std::nullopt);
}

TEST_F(LiveCanvasTest, CatchUpBringsAReaderFromAnywhereToAnywhere) {
  for (std::uint8_t i = 0; i < 5; ++i) place(i, 0, i);
  const auto delta = message_in<wire::Delta>(live.catch_up(102, 104));
  EXPECT_EQ(delta.base, 102U);
  EXPECT_EQ(delta.advance, 2U);
  EXPECT_EQ(delta.digest, digest_at(104));
  EXPECT_EQ(delta.pixels, (std::vector<canvas::PixelChange>{{2, 2}, {3, 3}}));

  const auto nothing = message_in<wire::Delta>(live.catch_up(105, 105));
  EXPECT_EQ(nothing.advance, 0U);
  EXPECT_EQ(nothing.digest, digest_at(105));
  EXPECT_TRUE(nothing.pixels.empty());
}

TEST_F(LiveCanvasTest, CatchUpGivesNothingThatIsNotKept) {
  place(0, 0, 1);
  EXPECT_EQ(live.catch_up(99, 101), nullptr);
  EXPECT_EQ(live.catch_up(100, 102), nullptr);
}

TEST_F(LiveCanvasTest, CatchUpGivesNothingThatIsTooLarge) {
  constexpr std::uint32_t kPixels = limits::kCatchUpEntriesMax;
  constexpr std::uint32_t kApart = 30;  // so that each takes two bytes
  static_assert(2 * kPixels >= limits::kCatchUpBytesMax && kPixels * kApart < 1'000'000);
  for (std::uint32_t index = 0; index < kPixels * kApart; index += kApart) {
    place(static_cast<std::uint16_t>(index % 1000), static_cast<std::uint16_t>(index / 1000), 1);
  }
  EXPECT_EQ(live.catch_up(100, 100 + kPixels), nullptr);
  const auto half = live.catch_up(100, 100 + kPixels / 2);
  ASSERT_NE(half, nullptr);
  EXPECT_LE(half->size(), limits::kCatchUpBytesMax);
}

TEST_F(LiveCanvasTest, CatchUpDoesNotLookAtTooManyEntries) {
  for (std::size_t i = 0; i <= limits::kCatchUpEntriesMax; ++i) place(0, 0, 1);
  EXPECT_EQ(live.catch_up(100, 101 + limits::kCatchUpEntriesMax), nullptr);
  EXPECT_NE(live.catch_up(101, 101 + limits::kCatchUpEntriesMax), nullptr);
}

TEST_F(LiveCanvasTest, SaysTheRestInFrames) {
  place(0, 0, 1);
  const auto needed = message_in<wire::SnapshotNeeded>(live.too_far_behind());
  EXPECT_EQ(needed.why, Reason::too_old);
  EXPECT_EQ(needed.position, (canvas::Position{kEpoch, 101}));
  EXPECT_EQ(message_in<wire::Presence>(live.presence(1234)).online, 1234U);
  const auto notice = message_in<wire::Notice>(live.draining(5000));
  EXPECT_EQ(notice.kind, wire::NoticeKind::draining);
  EXPECT_EQ(notice.value, 5000U);
}

std::vector<wire::Notice> notices_in(const std::vector<wire::SharedBytes>& frames) {
  std::vector<wire::Notice> notices;
  for (const auto& frame : frames) notices.push_back(message_in<wire::Notice>(frame));
  return notices;
}

TEST_F(LiveCanvasTest, EverybodyIsToldOnceOfEachRuleThatHasChanged) {
  LiveCanvas ruled(start_at({kEpoch, 100}, kSize), kColorBits, metrics,
                   {.cooldown_ms = 5000, .charges_max = 5});
  EXPECT_TRUE(ruled.take_notices().empty()) << "known from the welcome";

  ruled.set_rules({.cooldown_ms = 5000, .charges_max = 5, .frozen = true});
  auto notices = notices_in(ruled.take_notices());
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, wire::NoticeKind::frozen);
  EXPECT_EQ(notices[0].value, 1U);
  EXPECT_TRUE(ruled.take_notices().empty()) << "said once";

  ruled.set_rules({.cooldown_ms = 0, .charges_max = 9});
  notices = notices_in(ruled.take_notices());
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, wire::NoticeKind::cooldown);
  EXPECT_EQ(notices[0].value, 0U);
  EXPECT_EQ(notices[1].kind, wire::NoticeKind::frozen);
  EXPECT_EQ(notices[1].value, 0U);

  ruled.set_rules({.cooldown_ms = 0, .charges_max = 1});
  EXPECT_TRUE(ruled.take_notices().empty()) << "there is no notice of the number of charges";
}

TEST_F(LiveCanvasTest, OfRulesThatChangeBackAndForthOnlyTheLastAreTold) {
  for (std::uint32_t i = 0; i < 1000; ++i) {
    live.set_rules({.cooldown_ms = i, .charges_max = 1, .frozen = i % 2 == 1});
  }
  const auto notices = notices_in(live.take_notices());
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].value, 999U);
  live.set_rules({.cooldown_ms = 999, .charges_max = 1, .frozen = false});
  live.set_rules({.cooldown_ms = 999, .charges_max = 1, .frozen = true});
  EXPECT_TRUE(live.take_notices().empty()) << "nothing is new in the end";
}

TEST_F(LiveCanvasTest, TicksAddUpToTheBoardWhileEntriesKeepComing) {
  constexpr std::uint64_t kEntries = 20'000;
  std::thread journal([&] {
    for (std::uint64_t i = 1; i <= kEntries; ++i) {
      apply(live, entry(100 + i, i * 7 % 1000, i * 13 % 1000, static_cast<std::uint8_t>(i % 32)));
    }
  });
  canvas::Board board(kSize, canvas::kBlankColor);
  std::uint64_t offset = 100;
  while (offset < 100 + kEntries) {
    const auto tick = live.take_tick();
    if (!tick) continue;
    ASSERT_EQ(tick->base, offset);
    const auto delta = message_in<wire::Delta>(tick->frame);
    ASSERT_EQ(delta.digest, digest_at(tick->offset));
    for (const auto& [index, color] : delta.pixels) {
      board.set(static_cast<std::uint16_t>(index % 1000), static_cast<std::uint16_t>(index / 1000),
                color);
    }
    offset = tick->offset;
  }
  journal.join();
  EXPECT_EQ(board, live.snapshot().board);
}

}  // namespace
}  // namespace service
