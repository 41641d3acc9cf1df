#include "journal/embedded/queries.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/limits.hpp"
#include "journal/embedded/store.hpp"

namespace journal {

namespace {

constexpr int kReadCacheKib = 8 * 1024;

/// Runs `read`; what SQLite could not do becomes an error.
template <class Read>
auto attempt(Read read) -> base::Result<decltype(read())> {
  try {
    return read();
  } catch (const sqlite::Failure& failure) {
    return base::Error{failure.what()};
  }
}

}  // namespace

Queries::Connection::Connection(const std::string& database_path)
    : database(database_path, sqlite::Database::Mode::read_only),
      find_person(database, "SELECT full_at_ms FROM people WHERE person = ?"),
      find_placement(database, std::string("SELECT previous, coalesce(name, ''), ") +
                                   Store::kEntryColumns +
                                   " FROM entries LEFT JOIN people USING (person) "
                                   "WHERE entry = ?") {
  database.execute("PRAGMA cache_size = -" + std::to_string(kReadCacheKib));
}

Queries::Queries(const std::string& database_path, std::shared_ptr<const Heads> heads,
                 ChargesOf charges_of, OnFatal on_broken)
    : heads_(std::move(heads)),
      charges_of_(std::move(charges_of)),
      on_broken_(std::move(on_broken)),
      connection_(std::make_unique<Connection>(database_path)),
      thread_([this] { answer_all(); }) {}

void Queries::charges(base::PersonId person, OnCharges done) {
  ask([this, person, done = std::move(done)](const std::string& failure) {
    if (!failure.empty()) return done(base::Error{failure});
    done(attempt([&] { return read_charges(person); }));
  });
}

void Queries::pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                            OnHistory done) {
  ask([this, x, y, rows_max, done = std::move(done)](const std::string& failure) {
    if (!failure.empty()) return done(base::Error{failure});
    if (!heads_->size().contains(x, y)) return done(base::Error{"no such pixel"});
    done(attempt([&] { return read_history(x, y, rows_max); }));
  });
}

void Queries::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  connection_.reset();
}

void Queries::ask(Question question) {
  const char* failure = "busy";
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      failure = "stopped";
    } else if (waiting_.size() < base::limits::kQueryQueueMax) {
      waiting_.push_back(std::move(question));
      wake_.notify_one();
      return;
    }
  }
  question(failure);
}

void Queries::answer_all() {
  try {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const Question question = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      question({});
      lock.lock();
    }
  } catch (const std::exception& error) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    on_broken_(error.what());
  }
}

canvas::Charges Queries::read_charges(base::PersonId person) {
  sqlite::Cursor row = connection_->find_person.query(base::number(person));
  return charges_of_(row.next() ? row.integer(0) : 0);
}

std::vector<Placement> Queries::read_history(std::uint16_t x, std::uint16_t y,
                                             std::size_t rows_max) {
  rows_max = std::min(rows_max, base::limits::kHistoryRowsMax);
  std::vector<Placement> placements;
  std::uint64_t next = heads_->at(x, y);
  while (next != 0 && placements.size() < rows_max) {
    sqlite::Cursor row = connection_->find_placement.query(next);
    if (!row.next()) break;
    placements.push_back({Store::entry_from(row, 2), std::string(row.bytes(1))});
    next = row.as<std::uint64_t>(0);
  }
  return placements;
}

}  // namespace journal
