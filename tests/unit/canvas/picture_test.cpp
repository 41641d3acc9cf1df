// The picture, read back with libpng.
#include "canvas/picture.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <png.h>

namespace canvas {
namespace {

/// A picture as red, green, blue bytes, row by row.
struct Decoded {
  Size size;
  std::string rgb;
};

Decoded decoded(const std::string& png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0) << image.message;
  image.format = PNG_FORMAT_RGB;
  std::string rgb(PNG_IMAGE_SIZE(image), '\0');
  EXPECT_NE(png_image_finish_read(&image, nullptr, rgb.data(), 0, nullptr), 0) << image.message;
  return {{static_cast<std::uint16_t>(image.width), static_cast<std::uint16_t>(image.height)}, rgb};
}

std::string rgb_of(const Board& board, std::span<const Color> palette) {
  std::string rgb;
  for (const char pixel : board.pixels()) {
    const auto& color = palette[static_cast<std::uint8_t>(pixel)];
    for (const auto part : {color.red, color.green, color.blue}) rgb += static_cast<char>(part);
  }
  return rgb;
}

TEST(Picture, ShowsEveryPixelInItsColour) {
  Board board({17, 5}, kBlankColor);
  for (std::uint16_t i = 0; i < 32; ++i) {
    board.set(i % 17, i / 17, static_cast<std::uint8_t>(i));
  }
  const auto picture = decoded(to_png(board, kDefaultPalette));
  EXPECT_EQ(picture.size, board.size());
  EXPECT_EQ(picture.rgb, rgb_of(board, kDefaultPalette));
}

TEST(Picture, TakesTheSmallestAndTheLargestPalette) {
  const std::vector<Color> two = {{1, 2, 3}, {250, 251, 252}};
  Board small({16, 16});
  small.set(15, 15, 1);
  EXPECT_EQ(decoded(to_png(small, two)).rgb, rgb_of(small, two));

  std::vector<Color> many;
  for (int i = 0; i < 255; ++i) many.push_back({static_cast<std::uint8_t>(i), 0, 9});
  const Board last({16, 16}, 254);
  EXPECT_EQ(decoded(to_png(last, many)).rgb, rgb_of(last, many));
}

TEST(Picture, OfABlankBoardIsSmall) {
  const Board board({1000, 1000}, kBlankColor);
  EXPECT_LT(to_png(board, kDefaultPalette).size(), 20'000U);
}

}  // namespace
}  // namespace canvas
