// The history in PostgreSQL as the journal over Redis sees it, and the archiver that fills it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "archive/archiver.hpp"
#include "archive/history_reader.hpp"
#include "canvas/board.hpp"
#include "journal/history.hpp"
#include "postgres/url.hpp"
#include "redis/url.hpp"

namespace pixel_battle {

/// Thread-safe. Copies the journal in `redis` to `database` until stop(), if no other program does.
class PostgresHistory final : public journal::History {
 public:
  using OnArchived = std::function<void(const canvas::Position&)>;

  /// `on_archived` is called on the archiver's thread now and then, with how far the archive is.
  /// Throws std::runtime_error when a file of Redis's TLS options cannot be used.
  PostgresHistory(postgres::Url database, const redis::Url& redis, canvas::Board blank,
                  OnArchived on_archived = {});
  ~PostgresHistory() override { stop(); }

  void pixel_history(
      std::uint16_t x, std::uint16_t y, std::size_t rows_max,
      std::function<void(base::Result<std::vector<journal::Placement>>)> done) override;
  base::Result<std::optional<canvas::StandingBoard>> newest_board() override;
  [[nodiscard]] canvas::Position archived() const override;

  /// Begins to copy. Once, when the journal has started: a copy of nothing helps nobody.
  void start_archiver();
  void stop();

  /// What hinders the copying, in one line; empty when nothing does.
  [[nodiscard]] std::string problem() const;

 private:
  void on_progress(const archive::Cursor& cursor, const std::string& problem);

  const postgres::Url database_;
  const redis::Url redis_;
  const canvas::Board blank_;
  const OnArchived on_archived_;
  archive::HistoryReader reader_;
  std::unique_ptr<archive::Archiver> archiver_;

  mutable std::mutex mutex_;  // protects what follows
  canvas::Position archived_;
  std::string problem_ = "not connected yet";
};

}  // namespace pixel_battle
