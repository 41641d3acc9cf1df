#include "apps/pixel_battle/history.hpp"

#include <utility>

#include "base/limits.hpp"
#include "journal/redis/log_reader.hpp"
#include "ops/log.hpp"

namespace pixel_battle {

namespace {

constexpr std::size_t kRecordsMax = 500;  // read from the log at a time

/// The log in Redis, as the archiver reads it.
class RedisLog final : public archive::Source {
 public:
  explicit RedisLog(const redis::Url& url) : reader_(url) {}

  base::Result<archive::Batch> read(const archive::Cursor& after) override {
    auto records = reader_.read(after.position, kRecordsMax);
    if (!records) return records.error();
    archive::Batch batch{.entries = {}, .epochs = {}, .next = after};
    for (auto& record : *records) {
      if (batch.entries.size() + record.entries.size() > base::limits::kArchiveBatchMax) break;
      add(record, batch);
    }
    return batch;
  }

  /// What readers may still catch up from stays in the log.
  void archived(const archive::Cursor& cursor) override {
    constexpr auto kKept = base::limits::kTailEntriesMax;
    if (cursor.position.offset < trimmed_ + kKept + kKept / 4) return;
    trimmed_ = cursor.position.offset - kKept;
    reader_.trim({cursor.position.epoch, trimmed_});
  }

 private:
  static void add(journal::Record& record, archive::Batch& batch) {
    if (record.epoch != batch.next.position.epoch) {
      batch.epochs.push_back({record.epoch, record.base, record.base_digest});
    }
    for (auto& recorded : record.entries) {
      batch.entries.push_back({.entry = recorded.entry,
                               .epoch = record.epoch,
                               .producer = recorded.producer,
                               .sequence = recorded.sequence,
                               .name = std::move(recorded.name)});
    }
    batch.next = {record.end(), record.digest};
  }

  journal::LogReader reader_;
  std::uint64_t trimmed_ = 0;
};

}  // namespace

PostgresHistory::PostgresHistory(postgres::Url database, const redis::Url& redis,
                                 canvas::Board blank, OnArchived on_archived)
    : database_(std::move(database)),
      redis_(redis),
      blank_(std::move(blank)),
      on_archived_(std::move(on_archived)),
      reader_(database_, {.application_name = "pixel-battle/reader"}) {}

void PostgresHistory::start_archiver() {
  archiver_ = std::make_unique<archive::Archiver>(
      archive::ArchiverOptions{
          .url = database_,
          .postgres = {.application_name = "pixel-battle/archiver"},
          .blank = blank_,
          .on_progress = [this](const archive::Cursor& cursor,
                                const std::string& problem) { on_progress(cursor, problem); }},
      std::make_unique<RedisLog>(redis_));
}

void PostgresHistory::stop() {
  if (archiver_) archiver_->stop();
  reader_.stop();
}

void PostgresHistory::on_progress(const archive::Cursor& cursor, const std::string& problem) {
  if (on_archived_) on_archived_(cursor.position);
  const std::lock_guard lock(mutex_);
  archived_ = cursor.position;
  if (problem == problem_) return;
  if (!problem.empty()) {
    ops::log::warning("the history is not being written", {{"why", problem}});
  } else {
    ops::log::info("the history is being written", {{"archived", cursor.position.offset}});
  }
  problem_ = problem;
}

std::string PostgresHistory::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

canvas::Position PostgresHistory::archived() const {
  const std::lock_guard lock(mutex_);
  return archived_;
}

void PostgresHistory::pixel_history(
    std::uint16_t x, std::uint16_t y, std::size_t rows_max,
    std::function<void(base::Result<std::vector<journal::Placement>>)> done) {
  reader_.pixel_history(x, y, rows_max, [done = std::move(done)](auto found) {
    if (!found) return done(base::Error{found.error().message});
    std::vector<journal::Placement> placements;
    for (auto& placement : *found) {
      placements.push_back({placement.entry, std::move(placement.name)});
    }
    done(std::move(placements));
  });
}

base::Result<std::optional<canvas::StandingBoard>> PostgresHistory::newest_board() {
  auto archive = archive::Archive::open(database_);
  if (!archive) return base::Error{archive.error().message};
  const auto cursor = archive->cursor();
  if (!cursor) return base::Error{cursor.error().message};
  if (cursor->position.epoch == 0) return std::optional<canvas::StandingBoard>();
  auto board = archive->replay(blank_);
  if (!board) return base::Error{board.error().message};
  return std::optional(std::move(*board));
}

}  // namespace pixel_battle
