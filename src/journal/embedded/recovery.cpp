#include "journal/embedded/recovery.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "canvas/digest.hpp"
#include "journal/embedded/checkpoint.hpp"

namespace journal {

namespace {

namespace limits = base::limits;

std::string text(canvas::Size size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

Epoch next_epoch(const std::vector<Epoch>& epochs, std::uint64_t base, canvas::Size size,
                 std::int64_t now_ms) {
  const std::uint64_t above = epochs.empty() ? 1 : epochs.back().number + 1;
  const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms, 0));
  return {std::max(now, above), base, size};
}

/// The state of a checkpoint, before the entries after it.
State load_checkpoint(Store& store, std::vector<Epoch> epochs, std::uint8_t blank_color) {
  const canvas::Size size = epochs.back().size;
  const CheckpointMark mark = store.checkpoint();
  State state{.epochs = std::move(epochs),
              .board = canvas::Board(size, blank_color),
              .heads = std::make_shared<Heads>(size),
              .offset = mark.offset,
              .digest = mark.digest,
              .rows_changed = std::vector<bool>(size.height)};
  if (mark.offset < state.epochs.back().base) {
    throw std::runtime_error("the checkpoint of the board is older than its epoch");
  }
  store.load_rows(state.board, *state.heads);
  return state;
}

/// Follows the chain of entries as they are read. Throws at the first that does not fit.
class Chain {
 public:
  Chain(const Epoch& epoch, const canvas::Entry& before)
      : epoch_(epoch), offset_(before.offset), digest_(before.digest), time_ms_(before.time_ms) {}

  void follow(const canvas::Entry& entry) {
    if (entry.offset != offset_ + 1) {
      throw std::runtime_error("entry " + std::to_string(offset_ + 1) + " is missing");
    }
    if (!epoch_.size.contains(entry.x, entry.y) || entry.time_ms < time_ms_ ||
        entry.digest != canvas::next_digest(digest_, entry)) {
      throw std::runtime_error("entry " + std::to_string(entry.offset) +
                               " is damaged: its digest does not follow");
    }
    offset_ = entry.offset;
    digest_ = entry.digest;
    time_ms_ = entry.time_ms;
  }

 private:
  Epoch epoch_;
  std::uint64_t offset_;
  std::uint64_t digest_;
  std::int64_t time_ms_;
};

/// The entry at `offset`, or at the base of its epoch, where there is none, one with digest 0.
canvas::Entry entry_before(Store& store, const Epoch& epoch, std::uint64_t offset) {
  canvas::Entry before{.offset = offset};
  if (offset == 0) return before;
  const auto found = store.entry(offset);
  if (!found) throw std::runtime_error("entry " + std::to_string(offset) + " is missing");
  before = *found;
  if (offset == epoch.base) before.digest = 0;
  return before;
}

/// Replays the entries after the checkpoint and collects the tail.
std::vector<canvas::Entry> read_tail(Store& store, State& state) {
  const Epoch& epoch = state.epochs.back();
  const std::uint64_t end = store.last_entry();
  if (end < state.offset) {
    throw std::runtime_error("entry " + std::to_string(state.offset) + " is missing");
  }
  const std::uint64_t tail_begin =
      std::max(epoch.base, end - std::min<std::uint64_t>(end, limits::kTailEntriesMax));
  const std::uint64_t begin = std::min(tail_begin, state.offset);
  const canvas::Entry before = entry_before(store, epoch, begin);
  const CheckpointMark mark{state.offset, state.digest};
  if (begin == mark.offset && before.digest != mark.digest) {
    throw std::runtime_error("the checkpoint of the board does not fit the entries");
  }

  state.last_time_ms = before.time_ms;
  std::vector<canvas::Entry> tail;
  tail.reserve(end - tail_begin);
  Chain chain(epoch, before);
  store.read_entries(begin + 1, [&](const canvas::Entry& entry) {
    chain.follow(entry);
    if (entry.offset == mark.offset && entry.digest != mark.digest) {
      throw std::runtime_error("the checkpoint of the board does not fit the entries");
    }
    if (entry.offset > mark.offset) state.apply(entry);
    if (entry.offset > tail_begin) tail.push_back(entry);
    state.last_time_ms = entry.time_ms;
  });
  return tail;
}

/// The same journal on a larger canvas: a new epoch from here on.
void enlarge(Store& store, State& state, const Epoch& epoch, std::uint8_t blank_color) {
  auto heads = std::make_shared<Heads>(epoch.size);
  for (std::uint16_t y = 0; y < state.board.size().height; ++y) {
    heads->set_row(y, state.heads->row(y));
  }
  state.board = state.board.enlarged(epoch.size, blank_color);
  state.heads = std::move(heads);
  state.digest = 0;
  state.rows_changed.assign(epoch.size.height, true);
  state.epochs.push_back(epoch);

  sqlite::Transaction transaction(store.database());
  store.add_epoch(epoch);
  write_checkpoint(store, state);
  transaction.commit();
  state.rows_changed.assign(epoch.size.height, false);
}

}  // namespace

Recovered recover(Store& store, canvas::Size size, std::uint8_t blank_color, std::int64_t now_ms) {
  std::vector<Epoch> epochs = store.epochs();
  if (epochs.empty()) {
    epochs.push_back(next_epoch(epochs, 0, size, now_ms));
    sqlite::Transaction transaction(store.database());
    store.add_epoch(epochs.back());
    store.put_checkpoint({});
    transaction.commit();
  }
  const canvas::Size stored = epochs.back().size;
  if (size.width < stored.width || size.height < stored.height) {
    throw std::runtime_error("the canvas is " + text(stored) + " and cannot shrink to " +
                             text(size));
  }
  State state = load_checkpoint(store, std::move(epochs), blank_color);
  std::vector<canvas::Entry> tail = read_tail(store, state);
  if (size != stored) {
    enlarge(store, state, next_epoch(state.epochs, state.offset, size, now_ms), blank_color);
    tail.clear();
  }
  return {std::move(state), std::move(tail)};
}

}  // namespace journal
