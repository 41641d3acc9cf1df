#include "ledger/embedded/store.hpp"

#include "sqlite/store_file.hpp"

namespace ledger {

namespace {

constexpr std::int64_t kCounted = -1;  // in `refusal`: none
constexpr int kForgetAtOnce = 1'000;

constexpr const char* kSchema = R"(
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
  key TEXT PRIMARY KEY, used_ms INTEGER NOT NULL, name TEXT NOT NULL, verb INTEGER NOT NULL,
  refusal INTEGER NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_age ON keys (used_ms);
CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
)";

constexpr sqlite::StoreFormat kFormat{
    .kind = "ledger", .application_id = 0x50424354 /* PBCT */, .version = 1, .schema = kSchema};

}  // namespace

Store::Store(const std::string& path)
    : database_(sqlite::open_store(path, kFormat)),
      find_key_(database_, "SELECT name, verb, refusal, value FROM keys WHERE key = ?"),
      put_counter_(database_, "INSERT OR REPLACE INTO counters VALUES (?, ?)"),
      put_key_(database_, "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)"),
      forget_keys_(database_,
                   "DELETE FROM keys WHERE key IN "
                   "(SELECT key FROM keys WHERE used_ms < ? ORDER BY used_ms LIMIT ?)") {}

std::map<std::string, std::int64_t, std::less<>> Store::counters() {
  std::map<std::string, std::int64_t, std::less<>> found;
  sqlite::Statement all(database_, "SELECT name, value FROM counters");
  auto rows = all.query();
  while (rows.next()) found.emplace(rows.bytes(0), rows.integer(1));
  return found;
}

std::optional<Keyed> Store::find_key(std::string_view key) {
  auto row = find_key_.query(key);
  if (!row.next()) return std::nullopt;
  Keyed keyed{.name = std::string(row.bytes(0)),
              .verb = row.as<counter::Verb>(1),
              .answer = counter::Counted{row.integer(3)}};
  if (row.integer(2) != kCounted) {
    keyed.answer = counter::Refused{.reason = row.as<counter::Refusal>(2)};
  }
  return keyed;
}

void Store::put_counter(std::string_view name, std::int64_t value) {
  put_counter_.run(name, value);
}

void Store::put_key(std::string_view key, const Keyed& keyed, std::int64_t now_ms) {
  const auto* counted = std::get_if<counter::Counted>(&keyed.answer);
  const auto* refused = std::get_if<counter::Refused>(&keyed.answer);
  put_key_.run(key, now_ms, std::string_view(keyed.name), static_cast<int>(keyed.verb),
               refused != nullptr ? static_cast<std::int64_t>(refused->reason) : kCounted,
               counted != nullptr ? counted->value : 0);
}

void Store::forget_keys(std::int64_t before_ms) { forget_keys_.run(before_ms, kForgetAtOnce); }

void Store::probe() {
  sqlite::Transaction transaction(database_);
  database_.execute("UPDATE probe SET count = count + 1");
  transaction.commit();
}

}  // namespace ledger
