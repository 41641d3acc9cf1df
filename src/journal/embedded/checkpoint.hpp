// Checkpoints of the board, so that a start replays little. Written a few rows at a time, inside
// the transactions of the batches: no batch waits for a whole board.
#pragma once

#include <cstdint>
#include <vector>

#include "journal/embedded/state.hpp"
#include "journal/embedded/store.hpp"

namespace journal {

/// Writes every changed row and the mark, in the caller's transaction.
void write_checkpoint(Store& store, const State& state);

/// Goes over the board's rows in rounds. A row is stored as it is when its turn comes, so at the
/// end of a round all stored rows hold at least what was there at its beginning: that is the mark.
/// A start replays at most two rounds. The writer's.
class Checkpointer {
 public:
  explicit Checkpointer(const State& state);

  /// In the transaction of a batch of `entries`, before they are applied to `state`.
  void write_some(Store& store, const State& state, std::uint64_t entries);
  /// That transaction was committed; the entries are still not applied. When it was not, the same
  /// rows have their turn again.
  void committed(State& state);

 private:
  struct Round {
    CheckpointMark mark;  // where the round began
    std::uint16_t next_row = 0;
    std::uint64_t credit = 0;  // entries x rows not yet turned into rows written
  };

  std::uint64_t entries_per_round_;
  Round round_;
  Round written_;  // what round_ becomes with the commit
  std::vector<std::uint16_t> rows_written_;
};

}  // namespace journal
