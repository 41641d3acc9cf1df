// Starting from what is stored: the checkpoint of the board, the entries after it, the tail.
#pragma once

#include <cstdint>
#include <vector>

#include "canvas/board.hpp"
#include "canvas/operation.hpp"
#include "journal/embedded/state.hpp"
#include "journal/embedded/store.hpp"

namespace journal {

struct Recovered {
  State state;
  std::vector<canvas::Entry> tail;  // as journal::Start has it
};

/// Reads what the store holds and checks it: offsets without gaps and the digest's chain over
/// everything read, which is at least the tail. A fresh store gets its first epoch, and a canvas
/// larger than the stored one a new epoch; `now_ms` numbers it. Throws std::runtime_error when the
/// canvas would shrink or the journal is damaged, sqlite::Failure when the store fails.
Recovered recover(Store& store, canvas::Size size, std::uint8_t blank_color, std::int64_t now_ms);

}  // namespace journal
