#include "journal/embedded/store.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sqlite/store_file.hpp"

namespace journal {

namespace {

// `entry` is the entry's offset (OFFSET is a word of SQL); `previous` the entry before it on the
// same pixel, 0 for the first. 64-bit numbers without sign are stored as signed ones.
constexpr const char* kSchema = R"(
CREATE TABLE entries (
  entry INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, person INTEGER NOT NULL,
  x INTEGER NOT NULL, y INTEGER NOT NULL, color INTEGER NOT NULL,
  digest INTEGER NOT NULL, previous INTEGER NOT NULL) STRICT;
CREATE TABLE people (
  person INTEGER PRIMARY KEY, name TEXT NOT NULL, full_at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE producers (
  person INTEGER NOT NULL, producer INTEGER NOT NULL, used_ms INTEGER NOT NULL,
  answers BLOB NOT NULL, PRIMARY KEY (person, producer)) STRICT, WITHOUT ROWID;
CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY, base INTEGER NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL) STRICT;
CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY CHECK (id = 1), entry INTEGER NOT NULL, digest INTEGER NOT NULL) STRICT;
CREATE TABLE board_rows (
  y INTEGER PRIMARY KEY, colors BLOB NOT NULL, heads BLOB NOT NULL) STRICT;
CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
)";

constexpr sqlite::StoreFormat kFormat{
    .kind = "journal", .application_id = 0x50424A4C /* PBJL */, .version = 1, .schema = kSchema};

// When the write-ahead log is moved into the database, in pages of 4 KiB: more makes it rarer, and
// a page changed often is moved once; less makes each time shorter.
constexpr int kLogPages = 4'000;
// After a round of pruning the next one begins no sooner.
constexpr std::int64_t kPruneEveryMs = 60'000;
constexpr int kCacheKib = 32 * 1024;

}  // namespace

sqlite::Database Store::open(const std::string& path) {
  auto database = sqlite::open_store(path, kFormat);
  database.execute("PRAGMA secure_delete = OFF");  // Debian's default rewrites what is freed
  database.execute("PRAGMA cache_size = -" + std::to_string(kCacheKib));
  database.execute("PRAGMA wal_autocheckpoint = " + std::to_string(kLogPages));
  return database;
}

Store::Store(const std::string& path)
    : database_(open(path)),
      add_entry_(database_, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
      find_person_(database_, "SELECT full_at_ms FROM people WHERE person = ?"),
      put_person_(database_, "INSERT OR REPLACE INTO people VALUES (?, ?, ?)"),
      find_window_(database_, "SELECT answers FROM producers WHERE person = ? AND producer = ?"),
      put_window_(database_, "INSERT OR REPLACE INTO producers VALUES (?, ?, ?, ?)"),
      put_row_(database_, "INSERT OR REPLACE INTO board_rows VALUES (?, ?, ?)"),
      next_producers_(database_,
                      "SELECT person, producer, used_ms FROM producers "
                      "WHERE (person, producer) > (?, ?) ORDER BY person, producer LIMIT ?"),
      forget_producer_(database_, "DELETE FROM producers WHERE person = ? AND producer = ?") {}

void Store::add_epoch(const Epoch& epoch) {
  sqlite::Statement(database_, "INSERT INTO epochs VALUES (?, ?, ?, ?)")
      .run(epoch.number, epoch.base, epoch.size.width, epoch.size.height);
}

void Store::add_entry(const canvas::Entry& entry, std::uint64_t previous_on_pixel) {
  add_entry_.run(entry.offset, entry.time_ms, base::number(entry.person), entry.x, entry.y,
                 entry.color, entry.digest, previous_on_pixel);
}

void Store::put_person(base::PersonId person, std::string_view name, std::int64_t full_at_ms) {
  put_person_.run(base::number(person), name, full_at_ms);
}

void Store::put_window(base::PersonId person, base::ProducerId producer, const Window& window,
                       std::int64_t used_ms) {
  const std::string answers = window.encoded();
  put_window_.run(base::number(person), base::number(producer), used_ms, sqlite::Blob{answers});
}

void Store::put_checkpoint(const CheckpointMark& mark) {
  sqlite::Statement(database_, "INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?)")
      .run(mark.offset, mark.digest);
}

void Store::put_row(std::uint16_t y, std::string_view colors, std::string_view heads) {
  put_row_.run(y, sqlite::Blob{colors}, sqlite::Blob{heads});
}

void Store::prune_producers(std::int64_t before_ms, std::size_t rows_max) {
  if (oldest_left_ms_ >= before_ms) return;
  std::vector<std::pair<std::int64_t, std::int64_t>> unused;
  std::size_t seen = 0;
  {
    sqlite::Cursor row = next_producers_.query(pruned_person_, pruned_producer_, rows_max);
    for (; row.next(); ++seen) {
      pruned_person_ = row.integer(0);
      pruned_producer_ = row.integer(1);
      const std::int64_t used_ms = row.integer(2);
      if (used_ms < before_ms) {
        unused.emplace_back(pruned_person_, pruned_producer_);
      } else {
        oldest_seen_ms_ = std::min(oldest_seen_ms_, used_ms);
      }
    }
  }
  for (const auto& [person, producer] : unused) forget_producer_.run(person, producer);
  if (seen < rows_max) {
    pruned_person_ = pruned_producer_ = INT64_MIN;
    oldest_left_ms_ = std::min(oldest_seen_ms_, before_ms + kPruneEveryMs);
    oldest_seen_ms_ = INT64_MAX;
  }
}

void Store::probe() {
  sqlite::Transaction transaction(database_);
  database_.execute("UPDATE probe SET count = count + 1");
  transaction.commit();
}

std::vector<Epoch> Store::epochs() {
  std::vector<Epoch> epochs;
  sqlite::Statement statement(database_,
                              "SELECT epoch, base, width, height FROM epochs ORDER BY epoch");
  sqlite::Cursor row = statement.query();
  while (row.next()) {
    epochs.push_back({row.as<std::uint64_t>(0),
                      row.as<std::uint64_t>(1),
                      {row.as<std::uint16_t>(2), row.as<std::uint16_t>(3)}});
  }
  return epochs;
}

std::int64_t Store::full_at_ms(base::PersonId person) {
  sqlite::Cursor row = find_person_.query(base::number(person));
  return row.next() ? row.integer(0) : 0;
}

Window Store::window(base::PersonId person, base::ProducerId producer) {
  sqlite::Cursor row = find_window_.query(base::number(person), base::number(producer));
  if (!row.next()) return {};
  const auto window = Window::decoded(row.bytes(0));
  if (!window) throw std::runtime_error("the answers remembered for a producer are damaged");
  return *window;
}

CheckpointMark Store::checkpoint() {
  sqlite::Statement statement(database_, "SELECT entry, digest FROM checkpoint");
  sqlite::Cursor row = statement.query();
  if (!row.next()) throw std::runtime_error("the checkpoint of the board is missing");
  return {row.as<std::uint64_t>(0), row.as<std::uint64_t>(1)};
}

std::uint64_t Store::last_entry() {
  return static_cast<std::uint64_t>(database_.number("SELECT max(entry) FROM entries"));
}

std::optional<canvas::Entry> Store::entry(std::uint64_t offset) {
  sqlite::Statement statement(
      database_, std::string("SELECT ") + kEntryColumns + " FROM entries WHERE entry = ?");
  sqlite::Cursor row = statement.query(offset);
  if (!row.next()) return std::nullopt;
  return entry_from(row, 0);
}

void Store::load_rows(canvas::Board& board, Heads& heads) {
  const canvas::Size size = board.size();
  sqlite::Statement statement(database_, "SELECT y, colors, heads FROM board_rows");
  sqlite::Cursor row = statement.query();
  while (row.next()) {
    const std::string_view colors = row.bytes(1);
    if (row.integer(0) < 0 || row.integer(0) >= size.height || colors.size() != size.width ||
        row.bytes(2).size() != Heads::row_bytes(size)) {
      throw std::runtime_error("row " + std::to_string(row.integer(0)) +
                               " of the board's checkpoint is damaged");
    }
    const auto y = row.as<std::uint16_t>(0);
    for (std::uint16_t x = 0; x < size.width; ++x) {
      board.set(x, y, static_cast<std::uint8_t>(colors[x]));
    }
    heads.set_row(y, row.bytes(2));
  }
}

canvas::Entry Store::entry_from(const sqlite::Cursor& row, int first_column) {
  const int at = first_column;
  return {.offset = row.as<std::uint64_t>(at),
          .time_ms = row.integer(at + 1),
          .person = base::PersonId{row.integer(at + 2)},
          .x = row.as<std::uint16_t>(at + 3),
          .y = row.as<std::uint16_t>(at + 4),
          .color = row.as<std::uint8_t>(at + 5),
          .digest = row.as<std::uint64_t>(at + 6)};
}

}  // namespace journal
