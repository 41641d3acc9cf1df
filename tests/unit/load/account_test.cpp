// The account: what was acknowledged against the journal and the board.
#include "load/account.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace load {
namespace {

constexpr canvas::Size kSize{16, 16};

class LoadAccount : public testing::Test {
 protected:
  void place(std::uint64_t offset, std::uint32_t index, std::uint8_t color) {
    account_.asked();
    EXPECT_FALSE(account_.acknowledged({1, offset}, index, color));
    account_.settled();
  }

  static canvas::StandingBoard board(std::uint64_t offset,
                                     std::initializer_list<std::pair<int, int>> pixels) {
    canvas::StandingBoard found{{{1, offset}, 0}, canvas::Board(kSize)};
    for (const auto& [index, color] : pixels) {
      found.board.set(static_cast<std::uint16_t>(index), 0, static_cast<std::uint8_t>(color));
    }
    return found;
  }

  [[nodiscard]] static bool says(const Verdict& verdict, const std::string& line) {
    return std::ranges::count(verdict.lines, line) == 1;
  }

  Account account_{canvas::Position{1, 5}};
};

TEST_F(LoadAccount, HoldsWhenTheBoardIsAsAcknowledged) {
  place(6, 3, 1);
  place(8, 3, 9);
  place(7, 4, 2);
  const auto verdict = account_.verdict(board(8, {{3, 9}, {4, 2}}));
  EXPECT_TRUE(verdict.holds);
  EXPECT_EQ(verdict.lines.front(), "The account holds");
  EXPECT_TRUE(says(verdict, "2 pixels of the board are as acknowledged"));
}

TEST_F(LoadAccount, DoesNotHoldWhenSomethingIsLost) {
  place(6, 3, 1);
  place(7, 4, 2);
  const auto verdict = account_.verdict(board(6, {{3, 1}}));
  EXPECT_FALSE(verdict.holds);
  EXPECT_TRUE(says(verdict, "1 acknowledged placements are lost"));
}

TEST_F(LoadAccount, DoesNotHoldWhenAPixelDiffers) {
  place(6, 3, 1);
  const auto verdict = account_.verdict(board(6, {{3, 2}}));
  EXPECT_FALSE(verdict.holds);
  EXPECT_TRUE(says(verdict, "1 of 1 pixels are not as acknowledged"));
}

TEST_F(LoadAccount, DoesNotHoldWhenOnePositionWasGivenTwice) {
  place(6, 3, 1);
  EXPECT_EQ(account_.acknowledged({1, 6}, 4, 1), "two placements were acknowledged at offset 6");
  EXPECT_FALSE(account_.verdict(board(6, {{3, 1}})).holds);
}

TEST_F(LoadAccount, HoldsWhenOthersDrawOrOutcomesAreUnknown) {
  place(6, 3, 1);
  account_.asked();
  const auto unknown = account_.verdict(board(7, {{3, 2}}));
  EXPECT_TRUE(unknown.holds);
  EXPECT_TRUE(says(unknown, "1 placements acknowledged, 1 outcomes unknown"));
  EXPECT_TRUE(account_.verdict(board(20, {})).holds);
}

TEST_F(LoadAccount, ComparesNothingWhenTheEpochEnded) {
  place(6, 3, 1);
  auto found = board(0, {});
  found.at.position.epoch = 2;
  const auto verdict = account_.verdict(found);
  EXPECT_TRUE(verdict.holds);
  EXPECT_EQ(verdict.lines.front(), "The epoch ended during the run: nothing to compare");
}

}  // namespace
}  // namespace load
