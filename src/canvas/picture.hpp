// The board as a PNG picture.
#pragma once

#include <span>
#include <string>

#include "canvas/board.hpp"
#include "canvas/palette.hpp"

namespace canvas {

/// One palette index a pixel; every pixel of `board` is below palette.size(). Throws
/// std::runtime_error if libpng fails, which only lack of memory makes it do.
std::string to_png(const Board& board, std::span<const Color> palette);

}  // namespace canvas
