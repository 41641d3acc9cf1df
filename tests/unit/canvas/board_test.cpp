// The board.
#include "canvas/board.hpp"

#include <gtest/gtest.h>

namespace canvas {
namespace {

TEST(Board, BeginsFilled) {
  const Board board({3, 2}, 7);
  EXPECT_EQ(board.pixels(), std::string(6, '\7'));
}

TEST(Board, IsRowMajor) {
  Board board({3, 2});
  board.set(2, 1, 9);
  EXPECT_EQ(board.index(2, 1), 5U);
  EXPECT_EQ(board.pixels(), std::string("\0\0\0\0\0\t", 6));
  EXPECT_EQ(board.at(2, 1), 9);
  EXPECT_EQ(board.at(1, 1), 0);
}

TEST(Board, AppliesEntriesInOrder) {
  Board board({3, 2});
  board.apply({.offset = 1, .x = 1, .y = 0, .color = 255});
  EXPECT_EQ(board.at(1, 0), 255);
  board.apply({.offset = 2, .x = 1, .y = 0, .color = 4});
  EXPECT_EQ(board.at(1, 0), 4);
}

TEST(Board, EnlargedKeepsThePictureTopLeft) {
  Board board({2, 2}, 1);
  board.set(1, 0, 5);
  const Board larger = board.enlarged({4, 3}, 8);
  EXPECT_EQ(larger.size(), (Size{4, 3}));
  EXPECT_EQ(larger.pixels(), "\1\5\10\10\1\1\10\10\10\10\10\10");
}

TEST(Board, EnlargedToTheSameSizeIsTheSame) {
  Board board({2, 2}, 1);
  board.set(0, 1, 3);
  EXPECT_EQ(board.enlarged({2, 2}, 9), board);
}

TEST(Size, ContainsWhatIsInside) {
  const Size size{3, 2};
  EXPECT_TRUE(size.contains(2, 1));
  EXPECT_FALSE(size.contains(3, 1));
  EXPECT_FALSE(size.contains(2, 2));
  EXPECT_FALSE(size.contains(0xFFFF'FFFF, 0));
  EXPECT_EQ((Size{4096, 4096}).area(), 16'777'216U);
}

}  // namespace
}  // namespace canvas
