// The checker: what it notices in the deltas of several clients, and what it lets pass.
#include "load/checker.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

constexpr canvas::Size kBoardSize{16, 16};
constexpr unsigned kColorBits = 5;
constexpr std::uint64_t kEpoch = 7;

using Pixels = std::vector<canvas::PixelChange>;

/// Any number that differs from position to position.
std::uint64_t digest_at(std::uint64_t offset) { return 1000 + offset; }

Reader at(std::uint64_t offset) { return {{kEpoch, offset}, digest_at(offset)}; }

std::string delta(std::uint64_t from, std::uint64_t to, Pixels pixels) {
  const wire::Delta message{.base = from,
                            .advance = static_cast<std::uint32_t>(to - from),
                            .digest = digest_at(to),
                            .pixels = std::move(pixels)};
  return wire::encode(message, kColorBits);
}

class LoadChecker : public testing::Test {
 protected:
  /// What is wrong with a delta for a client, in short; empty if nothing is.
  std::string wrong(Reader& reader, const std::string& message) {
    const auto seen = checker_.delta(reader, message);
    return seen.fault ? seen.fault->what : "";
  }

  /// The board after these writes.
  static canvas::StandingBoard board(std::uint64_t offset, const Pixels& pixels) {
    canvas::StandingBoard found{at(offset), canvas::Board(kBoardSize)};
    for (const auto& pixel : pixels) {
      found.board.set(static_cast<std::uint16_t>(pixel.index % kBoardSize.width),
                      static_cast<std::uint16_t>(pixel.index / kBoardSize.width), pixel.color);
    }
    return found;
  }

  Checker checker_{{at(10), canvas::Board(kBoardSize)}, kColorBits};
  Reader one_ = at(10);
  Reader two_ = at(10);
};

TEST_F(LoadChecker, LetsTheSameDeltasOfTwoClientsPass) {
  for (Reader* reader : {&one_, &two_}) {
    EXPECT_EQ(wrong(*reader, delta(10, 12, {{3, 1}, {4, 2}})), "");
    EXPECT_EQ(wrong(*reader, delta(12, 13, {{3, 5}})), "");
    EXPECT_EQ(*reader, at(13));
  }
  EXPECT_EQ(checker_.standing(), at(13));
  EXPECT_FALSE(checker_.compare(board(13, {{3, 5}, {4, 2}})));
}

TEST_F(LoadChecker, TellsThePixelsOfEachDeltaOnce) {
  const auto message = delta(10, 11, {{3, 1}});
  const auto first = checker_.delta(one_, message);
  ASSERT_NE(first.news, nullptr);
  EXPECT_EQ(*first.news, (Pixels{{3, 1}}));
  const auto second = checker_.delta(two_, message);
  EXPECT_EQ(second.news, nullptr);
  EXPECT_EQ(first.slot, second.slot);
}

TEST_F(LoadChecker, NoticesAGap) {
  EXPECT_EQ(wrong(one_, delta(11, 12, {{3, 1}})), "a gap");
  EXPECT_EQ(one_, at(10)) << "it stays where it was";
}

TEST_F(LoadChecker, NoticesADuplicate) {
  const auto message = delta(10, 11, {{3, 1}});
  EXPECT_EQ(wrong(one_, message), "");
  EXPECT_EQ(wrong(one_, message), "a duplicate");
}

TEST_F(LoadChecker, NoticesAnotherDigestAtTheSameOffset) {
  EXPECT_EQ(wrong(one_, delta(10, 11, {{3, 1}})), "");
  const wire::Delta other{.base = 10, .advance = 1, .digest = 5, .pixels = {{3, 1}}};
  EXPECT_EQ(wrong(two_, wire::encode(other, kColorBits)), "two digests");
}

TEST_F(LoadChecker, NoticesAnotherDigestOfAServer) {
  EXPECT_FALSE(checker_.stands(at(10)));
  const auto fault = checker_.stands({{kEpoch, 10}, 5});
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->what, "two digests");
}

TEST_F(LoadChecker, NoticesOtherPixelsForTheSameEntries) {
  EXPECT_EQ(wrong(one_, delta(10, 12, {{3, 1}, {4, 2}})), "");
  EXPECT_EQ(wrong(two_, delta(10, 12, {{3, 1}, {4, 3}})), "clients are told differently");
}

TEST_F(LoadChecker, NoticesADeltaThatCannotBe) {
  EXPECT_EQ(wrong(one_, delta(10, 11, {{3, 1}, {4, 1}})), "a broken delta") << "two pixels by one";
  EXPECT_EQ(wrong(one_, delta(10, 12, {})), "a broken delta") << "none by two";
  EXPECT_EQ(wrong(one_, delta(10, 11, {{256, 1}})), "a broken delta") << "outside";
  EXPECT_EQ(wrong(one_, "\x83"), "a broken delta");
}

/// Whoever was behind gets what others got, in one.
class LoadCheckerCatchUp : public LoadChecker {
 protected:
  void SetUp() override {
    ASSERT_EQ(wrong(one_, delta(10, 12, {{3, 1}, {4, 2}})), "");
    ASSERT_EQ(wrong(one_, delta(12, 14, {{3, 5}, {9, 6}})), "");
  }
};

TEST_F(LoadCheckerCatchUp, PassesWhenItIsAllOfIt) {
  EXPECT_EQ(wrong(two_, delta(10, 14, {{3, 5}, {4, 2}, {9, 6}})), "");
}

TEST_F(LoadCheckerCatchUp, IsAtFaultWhenAPixelIsMissing) {
  EXPECT_EQ(wrong(two_, delta(10, 14, {{3, 5}, {9, 6}})), "a pixel is missing");
}

TEST_F(LoadCheckerCatchUp, IsAtFaultWhenAnOlderColorWins) {
  EXPECT_EQ(wrong(two_, delta(10, 14, {{3, 1}, {4, 2}, {9, 6}})), "clients are told differently");
}

TEST_F(LoadCheckerCatchUp, IsAtFaultWithAPixelThatNobodyDrew) {
  EXPECT_EQ(wrong(two_, delta(10, 14, {{3, 5}, {4, 2}, {5, 5}, {9, 6}})),
            "clients are told differently");
}

TEST_F(LoadCheckerCatchUp, MayEndAmidADeltaOfOthers) {
  EXPECT_EQ(wrong(two_, delta(10, 13, {{3, 5}, {4, 2}})), "") << "another replica's ticks";
  EXPECT_EQ(wrong(two_, delta(13, 14, {{9, 6}})), "");
  EXPECT_EQ(wrong(two_, delta(14, 15, {{9, 7}})), "");
  EXPECT_FALSE(checker_.compare(board(15, {{3, 5}, {4, 2}, {9, 7}})));
}

TEST_F(LoadChecker, FollowsReplicasThatAreAhead) {
  two_ = at(12);
  EXPECT_EQ(wrong(two_, delta(12, 14, {{3, 5}, {9, 6}})), "");
  EXPECT_EQ(checker_.standing(), at(10)) << "nobody has told what comes before";
  EXPECT_EQ(wrong(one_, delta(10, 13, {{3, 5}, {4, 2}})), "");
  EXPECT_EQ(checker_.standing(), at(14));
  EXPECT_FALSE(checker_.compare(board(14, {{3, 5}, {4, 2}, {9, 6}})));
}

TEST_F(LoadChecker, ComparesWithASnapshotThatIsBehind) {
  EXPECT_EQ(wrong(one_, delta(10, 11, {{3, 1}})), "");
  EXPECT_EQ(wrong(one_, delta(11, 12, {{4, 2}})), "");
  EXPECT_FALSE(checker_.compare(board(11, {{3, 1}})));
  EXPECT_TRUE(checker_.compare(board(11, {{3, 2}})));
}

TEST_F(LoadChecker, NoticesASnapshotThatDiffers) {
  EXPECT_EQ(wrong(one_, delta(10, 11, {{3, 1}})), "");
  EXPECT_EQ(checker_.compare(board(11, {}))->what, "another board");
  auto other = board(11, {{3, 1}});
  other.at.digest = 5;
  EXPECT_EQ(checker_.compare(other)->what, "two digests");
}

TEST_F(LoadChecker, NoticesAnAcknowledgedPixelThatIsNotThere) {
  checker_.acknowledged({kEpoch, 11}, 3);
  EXPECT_FALSE(checker_.take_fault()) << "its delta has not come yet";
  EXPECT_EQ(wrong(one_, delta(10, 12, {{4, 1}, {5, 1}})), "");
  EXPECT_EQ(checker_.take_fault()->what, "an acknowledged pixel is not there");
  checker_.acknowledged({kEpoch, 12}, 6);
  EXPECT_EQ(checker_.take_fault()->what, "an acknowledged pixel is not there");
  checker_.acknowledged({kEpoch, 12}, 5);
  EXPECT_FALSE(checker_.take_fault());
}

TEST_F(LoadChecker, LetsAClientGoOnWhereItStood) {
  EXPECT_EQ(wrong(one_, delta(10, 12, {{3, 1}, {4, 2}})), "");
  EXPECT_EQ(wrong(two_, delta(10, 12, {{3, 1}, {4, 2}})), "");
  EXPECT_EQ(wrong(one_, delta(12, 13, {{5, 1}})), "");
  // The second one was away meanwhile.
  EXPECT_EQ(wrong(two_, delta(12, 12, {})), "") << "nothing new";
  EXPECT_EQ(wrong(two_, delta(12, 13, {{5, 1}})), "");
  EXPECT_EQ(one_, two_);
}

TEST_F(LoadChecker, DoesNotMixEpochs) {
  const canvas::Standing anew{{kEpoch + 1, 11}, 1};
  EXPECT_FALSE(checker_.stands(anew));
  EXPECT_EQ(wrong(one_, delta(10, 11, {{3, 1}})), "") << "the old one goes on meanwhile";
  two_ = anew;
  EXPECT_EQ(wrong(two_, delta(11, 12, {{8, 1}})), "");
  EXPECT_EQ(checker_.standing(), at(11));
}

}  // namespace
}  // namespace load
