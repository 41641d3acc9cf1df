// The journal's tables and every statement the writer runs on them. No rules here: what to write
// is decided in batch.cpp, what to believe at start in recovery.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "canvas/board.hpp"
#include "canvas/operation.hpp"
#include "journal/embedded/heads.hpp"
#include "journal/embedded/window.hpp"
#include "sqlite/database.hpp"

namespace journal {

/// A stretch of the journal on a canvas of one size: the entries after `base`, up to the next
/// epoch's base. The digest is 0 at `base`.
struct Epoch {
  std::uint64_t number = 0;
  std::uint64_t base = 0;
  canvas::Size size;
};

/// Where a checkpoint of the board stands: the rows stored hold everything up to here, and perhaps
/// more. The entries after it, applied in order, give the board whatever more they hold.
struct CheckpointMark {
  std::uint64_t offset = 0;
  std::uint64_t digest = 0;
};

/// The writer's connection. Throws sqlite::Failure; and std::runtime_error when the file is not a
/// journal, or one of another version. Owned by one thread at a time.
class Store {
 public:
  explicit Store(const std::string& path);

  sqlite::Database& database() { return database_; }

  // --- Within a transaction ---------------------------------------------------------------
  void add_epoch(const Epoch& epoch);
  void add_entry(const canvas::Entry& entry, std::uint64_t previous_on_pixel);
  void put_person(base::PersonId person, std::string_view name, std::int64_t full_at_ms);
  void put_window(base::PersonId person, base::ProducerId producer, const Window& window,
                  std::int64_t used_ms);
  void put_checkpoint(const CheckpointMark& mark);
  void put_row(std::uint16_t y, std::string_view colors, std::string_view heads);
  /// Forgets producers not used since `before_ms`, among the next `rows_max` in the order of their
  /// keys, so that each time is short. Begins again at the end, when there can be something.
  void prune_producers(std::int64_t before_ms, std::size_t rows_max);
  /// A write of one page, to see whether there is room again.
  void probe();

  // --- Reading ------------------------------------------------------------------------------
  std::vector<Epoch> epochs();  // oldest first
  /// When the charges of a person will all be back; 0 for someone unknown.
  std::int64_t full_at_ms(base::PersonId person);
  Window window(base::PersonId person, base::ProducerId producer);
  CheckpointMark checkpoint();
  std::uint64_t last_entry();  // 0 when there is none
  std::optional<canvas::Entry> entry(std::uint64_t offset);
  /// Fills in the rows of the checkpoint; a row that is missing was never placed on.
  void load_rows(canvas::Board& board, Heads& heads);
  /// Entries from `first` on, in order, until `take` has had the last.
  template <class Take>
  void read_entries(std::uint64_t first, Take take);

  static canvas::Entry entry_from(const sqlite::Cursor& row, int first_column);
  static constexpr const char* kEntryColumns = "entry, time_ms, person, x, y, color, digest";

 private:
  static sqlite::Database open(const std::string& path);

  sqlite::Database database_;
  sqlite::Statement add_entry_;
  sqlite::Statement find_person_;
  sqlite::Statement put_person_;
  sqlite::Statement find_window_;
  sqlite::Statement put_window_;
  sqlite::Statement put_row_;
  sqlite::Statement next_producers_;
  sqlite::Statement forget_producer_;

  // Where pruning has come to. It is only an order of visiting: a rollback does it no harm.
  std::int64_t pruned_person_ = INT64_MIN;
  std::int64_t pruned_producer_ = INT64_MIN;
  std::int64_t oldest_seen_ms_ = INT64_MAX;  // the oldest use left behind in this round
  std::int64_t oldest_left_ms_ = INT64_MIN;  // no producer is older, as the last round saw
};

template <class Take>
void Store::read_entries(std::uint64_t first, Take take) {
  sqlite::Statement statement(database_, std::string("SELECT ") + kEntryColumns +
                                             " FROM entries WHERE entry >= ? ORDER BY entry");
  sqlite::Cursor row = statement.query(first);
  while (row.next()) take(entry_from(row, 0));
}

}  // namespace journal
