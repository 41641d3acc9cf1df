// Where a board, or a reader of a journal, stands.
#pragma once

#include <cstdint>

#include "canvas/board.hpp"
#include "canvas/operation.hpp"

namespace canvas {

/// A position and the digest of everything up to it.
struct Standing {
  Position position;
  std::uint64_t digest = 0;
  friend bool operator==(const Standing&, const Standing&) = default;
};

/// A board and where it stands.
struct StandingBoard {
  Standing at;
  Board board;
};

}  // namespace canvas
