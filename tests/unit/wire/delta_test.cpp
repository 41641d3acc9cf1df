// Deltas: what they cost and what survives them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "wire/protocol.hpp"

namespace wire {
namespace {

constexpr std::size_t kHeadBytes = 1 + 8 + 4 + 8;  // type, base, advance, digest
constexpr unsigned kColorBits = 5;
constexpr std::uint32_t kArea = 1'000'000;

/// `count` different pixels anywhere on the board.
std::vector<canvas::PixelChange> random_pixels(std::mt19937& random, std::size_t count,
                                               std::uint32_t area = kArea,
                                               unsigned color_bits = kColorBits) {
  std::map<std::uint32_t, std::uint8_t> colors;
  while (colors.size() < count) {
    const auto index = static_cast<std::uint32_t>(random() % area);
    colors[index] = static_cast<std::uint8_t>(random() % (1U << color_bits));
  }
  std::vector<canvas::PixelChange> pixels;
  for (const auto& [index, color] : colors) pixels.push_back({index, color});
  return pixels;
}

Delta decoded(const std::string& message, unsigned color_bits) {
  return std::get<Delta>(decode_server(message, color_bits).value());
}

TEST(Delta, CostsAtMostFourBytesAPixelAtAHundredRandomPixels) {
  std::mt19937 random(1);
  std::size_t bytes = 0;
  constexpr std::size_t kTicks = 200;
  constexpr std::size_t kPixels = 100;
  for (std::size_t tick = 0; tick < kTicks; ++tick) {
    const Delta delta{.base = tick, .advance = 100, .pixels = random_pixels(random, kPixels)};
    bytes += encode(delta, kColorBits).size();
  }
  EXPECT_LE(static_cast<double>(bytes) / (kTicks * kPixels), 4.0) << "the head included";
}

TEST(Delta, OfNeighboursCostsAByteAPixel) {
  Delta delta;
  for (std::uint32_t index = 0; index < 1000; ++index) delta.pixels.push_back({index, 31});
  EXPECT_EQ(encode(delta, kColorBits).size(), kHeadBytes + 1000);
}

TEST(Delta, OfNothingIsItsHeadOnly) { EXPECT_EQ(encode(Delta{}, kColorBits).size(), kHeadBytes); }

TEST(Delta, BringsAnyPixelsAcrossAtEveryColourDepth) {
  std::mt19937 random(2);
  constexpr std::uint32_t kLargestArea = 4096 * 4096;
  for (unsigned color_bits = 1; color_bits <= 8; ++color_bits) {
    Delta delta{.base = UINT64_MAX, .advance = UINT32_MAX, .digest = random()};
    delta.pixels = random_pixels(random, 1 + random() % 300, kLargestArea, color_bits);
    const auto same = decoded(encode(delta, color_bits), color_bits);
    EXPECT_EQ(same.base, delta.base);
    EXPECT_EQ(same.advance, delta.advance);
    EXPECT_EQ(same.digest, delta.digest);
    EXPECT_EQ(same.pixels, delta.pixels);
  }
}

TEST(Delta, ReachesTheLastPixelOfTheLargestCanvas) {
  const Delta delta{.pixels = {{4096 * 4096 - 1, 255}}};
  EXPECT_EQ(decoded(encode(delta, 8), 8).pixels, delta.pixels);
}

}  // namespace
}  // namespace wire
