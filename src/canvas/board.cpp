#include "canvas/board.hpp"

namespace canvas {

Board Board::enlarged(Size size, std::uint8_t fill) const {
  Board larger(size, fill);
  for (std::uint16_t y = 0; y < size_.height; ++y) {
    larger.pixels_.replace(larger.index(0, y), size_.width, pixels_, index(0, y), size_.width);
  }
  return larger;
}

}  // namespace canvas
