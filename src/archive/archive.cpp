#include "archive/archive.hpp"

#include <set>
#include <utility>

#include "archive/batch.hpp"
#include "archive/boards.hpp"
#include "archive/pixel_history.hpp"
#include "archive/schema.hpp"
#include "base/limits.hpp"

namespace archive {

namespace limits = base::limits;

Result<Archive> Archive::open(const postgres::Url& url, const postgres::Options& options) {
  auto connection = open_checked(url, options);
  if (!connection) return connection.error();
  // The journal forgets what the archive has: a COMMIT must mean what it says.
  const auto durable = connection->execute(
      "SELECT set_config('synchronous_commit', 'on', false) "
      "WHERE current_setting('synchronous_commit') = 'off'");
  if (!durable) return error_from(durable.error());
  return Archive(std::move(connection).value());
}

Result<bool> Archive::try_lead() {
  const auto leads = connection_.try_lock(kLeaderLock);
  if (!leads) return error_from(leads.error());
  return *leads;
}

Result<Cursor> Archive::cursor() { return read_cursor(connection_); }

Status Archive::append(std::span<const ArchivedEntry> entries, std::span<const NewEpoch> epochs,
                       const Cursor& expected, const Cursor& next) {
  if (auto checked = check_batch(entries, epochs, expected, next); !checked) return checked;
  if (auto made = make_partitions(entries); !made) return made;
  const Names names = new_names(entries);

  auto transaction = postgres::Transaction::begin(connection_);
  if (!transaction) return error_from(transaction.error());
  if (auto moved = move_cursor(connection_, expected, next); !moved) return moved;
  if (auto added = add_epochs(connection_, epochs); !added) return added;
  if (auto put = put_names(connection_, names); !put) return put;
  if (auto copied = copy_entries(connection_, entries); !copied) {
    partitions_.forget();  // one may have been taken away
    return copied;
  }
  const auto committed = transaction->commit();
  if (!committed) return error_from(committed.error());
  remember(names);
  return base::Done{};
}

Status Archive::make_partitions(std::span<const ArchivedEntry> entries) {
  std::set<std::int64_t> days;
  for (const ArchivedEntry& archived : entries) {
    days.insert(day_of(archived.entry.time_ms));
    if (days.size() > limits::kBatchDaysMax) {
      return Error{Failed::misused, "a batch of too many days"};
    }
  }
  if (days.empty()) return base::Done{};
  const std::int64_t newest = *days.rbegin();
  for (std::int64_t ahead = 1; ahead <= limits::kPartitionsAhead; ++ahead) {
    days.insert(newest + ahead);
  }
  return partitions_.ensure(connection_, days);
}

/// Of the people in a batch, those whose last name there is not what is known to be stored.
Archive::Names Archive::new_names(std::span<const ArchivedEntry> entries) const {
  Names names;  // in order, so that two writers cannot wait for each other
  for (const ArchivedEntry& archived : entries) {
    const std::int64_t person = base::number(archived.entry.person);
    const auto known = known_names_.find(person);
    if (known != known_names_.end() && known->second == archived.name) {
      names.erase(person);
    } else {
      names.insert_or_assign(person, storable_name(archived.name));
    }
  }
  return names;
}

void Archive::remember(const Names& names) {
  for (const auto& [person, name] : names) {
    if (known_names_.size() >= limits::kKnownNamesMax) known_names_.clear();
    known_names_.insert_or_assign(person, name);
  }
}

Status Archive::put_board(canvas::Position position, std::uint64_t digest,
                          const canvas::Board& board) {
  return archive::put_board(connection_, position, digest, board);
}

Result<std::optional<canvas::StandingBoard>> Archive::newest_board() {
  return archive::newest_board(connection_);
}

Result<canvas::StandingBoard> Archive::replay(const canvas::Board& blank) {
  return archive::replay(connection_, blank);
}

Result<Verification> Archive::verify(const canvas::Board& blank) {
  return archive::verify(connection_, blank);
}

Result<std::vector<Placement>> Archive::pixel_history(std::uint16_t x, std::uint16_t y,
                                                      std::size_t rows_max) {
  return archive::pixel_history(connection_, x, y, rows_max);
}

}  // namespace archive
