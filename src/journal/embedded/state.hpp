// What the writer keeps in memory of the journal: everything committed, nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "canvas/board.hpp"
#include "canvas/operation.hpp"
#include "journal/embedded/heads.hpp"
#include "journal/embedded/store.hpp"

namespace journal {

struct State {
  std::vector<Epoch> epochs;  // oldest first, never empty; the last is the current one
  canvas::Board board;
  std::shared_ptr<Heads> heads;  // shared with the thread that answers queries
  std::uint64_t offset = 0;
  std::uint64_t digest = 0;
  std::int64_t last_time_ms = 0;  // of the last entry; 0 when there is none

  std::vector<bool> rows_changed;  // since they were last written to a checkpoint

  [[nodiscard]] canvas::Position position() const { return {epochs.back().number, offset}; }

  /// The position that entry `entry` stands at; an older entry may belong to an older epoch.
  [[nodiscard]] canvas::Position position_of(std::uint64_t entry) const {
    const auto epoch = std::find_if(epochs.rbegin(), std::prev(epochs.rend()),
                                    [entry](const Epoch& one) { return entry > one.base; });
    return {epoch->number, entry};
  }

  /// Takes in an entry that has become durable.
  void apply(const canvas::Entry& entry) {
    board.apply(entry);
    heads->set(entry.x, entry.y, entry.offset);
    rows_changed[entry.y] = true;
    offset = entry.offset;
    digest = entry.digest;
    last_time_ms = entry.time_ms;
  }
};

}  // namespace journal
