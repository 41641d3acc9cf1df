// The canvases of the benchmarks, as placements in the order in which they would be made.
#pragma once

#include <cstdint>
#include <vector>

#include "canvas/board.hpp"

namespace bench {

struct Dot {
  std::uint16_t x = 0;
  std::uint16_t y = 0;
  std::uint8_t color = 0;
};

/// What a community draws: striped flags, discs and strokes in clusters of a few colours each, and
/// one pixel in forty placed by somebody who wanted something else there.
std::vector<Dot> drawing(canvas::Size size, std::size_t dots);

/// Every pixel once in its own random colour, in row order, and again until there are enough: the
/// board that compresses worst.
std::vector<Dot> noise(canvas::Size size, std::size_t dots);

}  // namespace bench
