#include "journal/embedded/checkpoint.hpp"

#include <algorithm>
#include <string_view>

#include "base/limits.hpp"

namespace journal {

namespace {

namespace limits = base::limits;

// A round writes up to 9 bytes a pixel; with so many pixels an entry at most 180 bytes an entry.
constexpr std::uint64_t kPixelsPerEntryMax = 20;

// More producers than can come in, so that pruning keeps up.
constexpr std::uint64_t kPruneProducersPerEntry = 2;

void write_row(Store& store, const State& state, std::uint16_t y) {
  const std::string_view pixels = state.board.pixels();
  store.put_row(y, pixels.substr(state.board.index(0, y), state.board.size().width),
                state.heads->row(y));
}

}  // namespace

void write_checkpoint(Store& store, const State& state) {
  for (std::uint16_t y = 0; y < state.board.size().height; ++y) {
    if (state.rows_changed[y]) write_row(store, state, y);
  }
  store.put_checkpoint({state.offset, state.digest});
}

Checkpointer::Checkpointer(const State& state)
    : entries_per_round_(std::max(limits::kCheckpointEveryEntries,
                                  state.board.size().area() / kPixelsPerEntryMax)),
      round_{.mark = {state.offset, state.digest}} {}

void Checkpointer::write_some(Store& store, const State& state, std::uint64_t entries) {
  const std::uint16_t rows = state.board.size().height;
  written_ = round_;
  rows_written_.clear();
  for (written_.credit += entries * rows; written_.credit >= entries_per_round_;
       written_.credit -= entries_per_round_) {
    const std::uint16_t y = written_.next_row++;
    if (state.rows_changed[y]) {
      write_row(store, state, y);
      rows_written_.push_back(y);
    }
    if (written_.next_row == rows) {
      store.put_checkpoint(written_.mark);
      written_.mark = {state.offset, state.digest};
      written_.next_row = 0;
    }
  }
  store.prune_producers(state.last_time_ms - limits::kProducerKeepMs,
                        entries * kPruneProducersPerEntry);
}

void Checkpointer::committed(State& state) {
  round_ = written_;
  for (const std::uint16_t y : rows_written_) state.rows_changed[y] = false;
}

}  // namespace journal
