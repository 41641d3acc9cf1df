#include "archive/batch.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "postgres/copy.hpp"

namespace archive {

namespace {

constexpr const char* kCopy =
    "COPY entries (epoch, entry, time_ms, person, digest, producer, sequence, x, y, color) "
    "FROM STDIN (FORMAT binary)";
constexpr std::int16_t kColumns = 10;
constexpr std::size_t kSendBytes = 128 * 1024;            // gathered before the system is called
constexpr std::int64_t kTimeMsMax = 253'402'300'800'000;  // the year 10000

std::int64_t bits(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Error misused(std::string message) { return {Failed::misused, std::move(message)}; }

std::string text(canvas::Position position) {
  return std::to_string(position.epoch) + "/" + std::to_string(position.offset);
}

void add_row(postgres::CopyRows& rows, const ArchivedEntry& archived) {
  const canvas::Entry& entry = archived.entry;
  rows.begin_row(kColumns);
  rows.add(bits(archived.epoch));
  rows.add(bits(entry.offset));
  rows.add(entry.time_ms);
  rows.add(base::number(entry.person));
  rows.add(bits(entry.digest));
  rows.add(bits(base::number(archived.producer)));
  rows.add(bits(archived.sequence));
  rows.add(static_cast<std::int16_t>(entry.x));
  rows.add(static_cast<std::int16_t>(entry.y));
  rows.add(static_cast<std::int16_t>(entry.color));
}

Status status_of(const postgres::Result<postgres::Rows>& rows) {
  if (!rows) return error_from(rows.error());
  return base::Done{};
}

}  // namespace

Status check_batch(std::span<const ArchivedEntry> entries, std::span<const NewEpoch> epochs,
                   const Cursor& expected, const Cursor& next) {
  Cursor at = expected;
  auto begins = epochs.begin();
  const auto enter_next = [&] {
    if (begins == epochs.end() || begins->epoch <= at.position.epoch) return false;
    at = {{begins->epoch, begins->base}, begins->base_digest};
    ++begins;
    return true;
  };
  for (const ArchivedEntry& archived : entries) {
    while (at.position.epoch != archived.epoch) {
      if (!enter_next()) return misused("no word of the beginning of an entry's epoch");
    }
    if (archived.entry.offset != at.position.offset + 1) {
      return misused("after " + text(at.position) + " comes " +
                     text({archived.epoch, archived.entry.offset}));
    }
    if (archived.entry.time_ms < 0 || archived.entry.time_ms >= kTimeMsMax) {
      return misused("an entry of an impossible time");
    }
    at = {{archived.epoch, archived.entry.offset}, archived.entry.digest};
  }
  while (begins != epochs.end()) {
    if (!enter_next()) return misused("the epochs are not in order");
  }
  if (at == next) return base::Done{};
  return misused("the batch leads to " + text(at.position) + ", not to " + text(next.position));
}

std::string storable_name(std::string_view name) {
  const bool is_utf8 = base::is_valid_utf8(name);
  std::string stored;
  for (const char byte : name) {
    if (byte == '\0') continue;
    const bool is_ascii = static_cast<unsigned char>(byte) < 0x80;
    stored.push_back(is_utf8 || is_ascii ? byte : '?');
  }
  return stored;
}

Status move_cursor(postgres::Connection& connection, const Cursor& expected, const Cursor& next) {
  const auto rows = connection.execute(
      "UPDATE cursor SET epoch = $1, entry = $2, digest = $3 "
      "WHERE epoch = $4 AND entry = $5 AND digest = $6",
      next.position.epoch, next.position.offset, next.digest, expected.position.epoch,
      expected.position.offset, expected.digest);
  if (!rows) return error_from(rows.error());
  if (rows->changed() == 1) return base::Done{};
  return Error{Failed::lost_leadership, "the archive has moved on from " + text(expected.position)};
}

Status add_epochs(postgres::Connection& connection, std::span<const NewEpoch> epochs) {
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> bases;
  std::vector<std::int64_t> digests;
  for (const NewEpoch& epoch : epochs) {
    numbers.push_back(bits(epoch.epoch));
    bases.push_back(bits(epoch.base));
    digests.push_back(bits(epoch.base_digest));
  }
  if (numbers.empty()) return base::Done{};
  using Numbers = std::span<const std::int64_t>;
  return status_of(
      connection.execute("INSERT INTO epochs (epoch, base, base_digest) "
                         "SELECT * FROM unnest($1, $2, $3)",
                         Numbers(numbers), Numbers(bases), Numbers(digests)));
}

Status put_names(postgres::Connection& connection,
                 const std::map<std::int64_t, std::string>& names) {
  std::vector<std::int64_t> people;
  std::vector<std::string> texts;
  for (const auto& [person, name] : names) {
    people.push_back(person);
    texts.push_back(name);
  }
  if (people.empty()) return base::Done{};
  return status_of(connection.execute(
      "INSERT INTO people (person, name) SELECT * FROM unnest($1, $2) "
      "ON CONFLICT (person) DO UPDATE SET name = excluded.name WHERE people.name <> excluded.name",
      std::span<const std::int64_t>(people), std::span<const std::string>(texts)));
}

Status copy_entries(postgres::Connection& connection, std::span<const ArchivedEntry> entries) {
  if (entries.empty()) return base::Done{};
  auto copy = postgres::Copy::begin(connection, kCopy);
  if (!copy) return error_from(copy.error());
  postgres::CopyRows rows;
  for (const ArchivedEntry& entry : entries) {
    add_row(rows, entry);
    if (rows.bytes().size() < kSendBytes) continue;
    if (auto sent = copy->write(rows.bytes()); !sent) return error_from(sent.error());
    rows.clear();
  }
  rows.end();
  if (auto sent = copy->write(rows.bytes()); !sent) return error_from(sent.error());
  const auto stored = copy->finish();
  if (!stored) return error_from(stored.error());
  if (*stored == entries.size()) return base::Done{};
  return Error{Failed::refused, "PostgreSQL stored " + std::to_string(*stored) + " rows of " +
                                    std::to_string(entries.size())};
}

}  // namespace archive
