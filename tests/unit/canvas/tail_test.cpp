// The tail: what readers who are a little behind can still get.
#include "canvas/tail.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace canvas {
namespace {

constexpr Size kSize{10, 10};
constexpr std::uint64_t kStartDigest = 0xd0;

std::uint64_t digest_of(std::uint64_t offset) { return 1000 + offset; }

void push(Tail& tail, std::uint16_t x, std::uint16_t y, std::uint8_t color) {
  const auto offset = tail.head() + 1;
  tail.push({.offset = offset, .x = x, .y = y, .color = color, .digest = digest_of(offset)});
}

using Changes = std::vector<PixelChange>;

TEST(Tail, BeginsEmptyWhereItStands) {
  const Tail tail(kSize, 41, kStartDigest, 4);
  EXPECT_EQ(tail.head(), 41U);
  EXPECT_EQ(tail.head_digest(), kStartDigest);
  EXPECT_EQ(tail.digest_at(41), kStartDigest);
  EXPECT_EQ(tail.between(41, 41), Changes{});
}

TEST(Tail, KnowsNothingBeforeItsStartNorAfterItsHead) {
  Tail tail(kSize, 41, kStartDigest, 4);
  push(tail, 1, 1, 1);
  EXPECT_EQ(tail.digest_at(40), std::nullopt);
  EXPECT_EQ(tail.digest_at(43), std::nullopt);
  EXPECT_EQ(tail.between(40, 42), std::nullopt);
  EXPECT_EQ(tail.between(41, 43), std::nullopt);
  EXPECT_EQ(tail.between(43, 43), std::nullopt);
  EXPECT_EQ(tail.between(42, 41), std::nullopt) << "nobody catches up backwards";
}

TEST(Tail, GivesWhatWasWrittenBetweenTwoOffsetsOldestFirst) {
  Tail tail(kSize, 0, 0, 10);
  push(tail, 5, 5, 1);  // offset 1
  push(tail, 0, 9, 2);
  push(tail, 5, 5, 3);
  push(tail, 9, 9, 4);  // offset 4
  EXPECT_EQ(tail.between(0, 4), (Changes{{55, 1}, {90, 2}, {55, 3}, {99, 4}}));
  EXPECT_EQ(tail.between(1, 3), (Changes{{90, 2}, {55, 3}}));
  EXPECT_EQ(tail.between(3, 4), (Changes{{99, 4}}));
  EXPECT_EQ(tail.between(4, 4), Changes{});
}

TEST(Tail, KnowsTheDigestAtEveryOffsetItKeeps) {
  Tail tail(kSize, 5, kStartDigest, 10);
  for (int i = 0; i < 3; ++i) push(tail, 0, 0, 0);
  EXPECT_EQ(tail.digest_at(5), kStartDigest);
  for (std::uint64_t offset = 6; offset <= 8; ++offset) {
    EXPECT_EQ(tail.digest_at(offset), digest_of(offset));
  }
  EXPECT_EQ(tail.head_digest(), digest_of(8));
}

TEST(Tail, TheOldestEntryMakesRoomForTheNewest) {
  constexpr std::size_t kKept = 4;
  Tail tail(kSize, 0, kStartDigest, kKept);
  for (std::uint8_t i = 0; i < 10; ++i) push(tail, i, 0, i);  // offsets 1 to 10
  EXPECT_EQ(tail.head(), 10U);
  EXPECT_EQ(tail.digest_at(6), std::nullopt);
  EXPECT_EQ(tail.digest_at(7), digest_of(7));
  EXPECT_EQ(tail.between(6, 10), std::nullopt);
  EXPECT_EQ(tail.between(7, 10), (Changes{{7, 7}, {8, 8}, {9, 9}}));
  EXPECT_EQ(tail.digest_at(0), std::nullopt) << "the start falls off too";
}

TEST(Tail, AgreesWithTheWholeHistoryOverManyTurnsOfTheRing) {
  constexpr std::uint64_t kStart = 100;
  constexpr std::uint64_t kKept = 16;
  Tail tail(kSize, kStart, 0, kKept);
  std::mt19937 random(3);
  Changes history;  // entry kStart + 1 + i
  for (int i = 0; i < 200; ++i) {
    const auto x = static_cast<std::uint16_t>(random() % 6);
    const auto color = static_cast<std::uint8_t>(random() % 32);
    push(tail, x, 1, color);
    history.push_back({kSize.width + std::uint32_t{x}, color});
    const auto oldest = tail.head() - std::min(tail.head() - kStart, kKept - 1);
    const auto from = oldest + random() % (tail.head() - oldest + 1);

    const auto begin = history.begin() + static_cast<std::ptrdiff_t>(from - kStart);
    const Changes expected(begin, history.end());
    ASSERT_EQ(tail.between(from, tail.head()), expected) << from << " to " << tail.head();
  }
}

TEST(Conflate, LetsTheLastWriteToAPixelWin) {
  EXPECT_EQ(conflate({{11, 1}, {22, 7}, {11, 2}, {11, 0}}), (Changes{{11, 0}, {22, 7}}));
  EXPECT_EQ(conflate({{11, 1}, {11, 1}}), (Changes{{11, 1}}));
}

TEST(Conflate, OrdersByIndex) {
  EXPECT_EQ(conflate({{90, 2}, {4'294'967'295, 9}, {0, 1}, {55, 3}}),
            (Changes{{0, 1}, {55, 3}, {90, 2}, {4'294'967'295, 9}}));
  EXPECT_EQ(conflate({}), Changes{});
}

TEST(Conflate, AddsUpToTheSamePicture) {
  std::mt19937 random(5);
  Changes writes;
  std::map<std::uint32_t, std::uint8_t> picture;
  for (int i = 0; i < 5000; ++i) {
    const PixelChange write{static_cast<std::uint32_t>(random() % 700),
                            static_cast<std::uint8_t>(random() % 32)};
    writes.push_back(write);
    picture[write.index] = write.color;
  }
  Changes expected;
  for (const auto& [index, color] : picture) expected.push_back({index, color});
  EXPECT_EQ(conflate(writes), expected);
}

}  // namespace
}  // namespace canvas
