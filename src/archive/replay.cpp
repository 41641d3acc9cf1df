#include "archive/replay.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "archive/boards.hpp"
#include "archive/schema.hpp"
#include "archive/walk.hpp"
#include "archive/windows.hpp"
#include "base/limits.hpp"

namespace archive {

namespace {

namespace limits = base::limits;

/// What is read at one instant; the entries up to its cursor never change afterwards.
struct Frame {
  Cursor cursor;
  std::vector<NewEpoch> epochs;
  std::optional<canvas::StandingBoard> newest_board;
  std::vector<canvas::Position> boards;
  bool beyond = false;  // there are entries after the cursor
};

Result<std::vector<NewEpoch>> read_epochs(postgres::Connection& connection) {
  const auto rows =
      connection.execute("SELECT epoch, base, base_digest FROM epochs ORDER BY epoch");
  if (!rows) return error_from(rows.error());
  std::vector<NewEpoch> epochs;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    epochs.push_back({rows->as<std::uint64_t>(row, 0), rows->as<std::uint64_t>(row, 1),
                      rows->as<std::uint64_t>(row, 2)});
  }
  return epochs;
}

/// Whether anything was stored without the cursor.
Result<bool> is_beyond(postgres::Connection& connection, canvas::Position last) {
  const auto windows = read_windows(connection);
  if (!windows) return windows.error();
  for (const Window& window : *windows) {
    const auto rows = connection.execute(
        "SELECT EXISTS (SELECT FROM entries WHERE (epoch, entry) > ($1, $2) "
        "AND time_ms >= $3 AND time_ms < $4)",
        last.epoch, last.offset, window.from_ms, window.to_ms);
    if (!rows) return error_from(rows.error());
    if (rows->as<bool>(0, 0)) return true;
  }
  return false;
}

Result<Frame> read_frame(postgres::Connection& connection, bool whole_history) {
  auto transaction =
      postgres::Transaction::begin(connection, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (!transaction) return error_from(transaction.error());
  Frame frame;
  const auto cursor = read_cursor(connection);
  if (!cursor) return cursor.error();
  frame.cursor = *cursor;
  auto epochs = read_epochs(connection);
  if (!epochs) return epochs.error();
  frame.epochs = std::move(*epochs);
  if (!whole_history) {
    auto board = newest_board(connection);
    if (!board) return board.error();
    frame.newest_board = std::move(*board);
    return frame;
  }
  auto boards = board_positions(connection);
  if (!boards) return boards.error();
  frame.boards = std::move(*boards);
  const auto beyond = is_beyond(connection, frame.cursor.position);
  if (!beyond) return beyond.error();
  frame.beyond = *beyond;
  return frame;
}

/// Where entries are: those of one epoch in one window.
struct Stretch {
  std::uint64_t epoch = 0;
  Window window;
};

/// Reads the entries after one position, up to the cursor, in order. Within an epoch time does not
/// go back, so its windows follow each other; between epochs a clock may have been set back.
class EntryReader {
 public:
  EntryReader(postgres::Connection& connection, canvas::Position after, canvas::Position last)
      : connection_(connection), after_(after), last_(last) {}

  /// Leads `walk` over the entries for as long as `go_on` says so.
  template <class GoOn>
  Status read(Walk& walk, GoOn go_on) {
    const auto stretches = find_stretches();
    if (!stretches) return stretches.error();
    for (const Stretch& stretch : *stretches) {
      for (bool more = true; more;) {
        const auto page = read_page(stretch);
        if (!page) return error_from(page.error());
        for (std::size_t row = 0; row < page->size(); ++row) {
          walk.follow(stretch.epoch, take(*page, row, stretch.epoch));
          if (!go_on()) return base::Done{};
        }
        more = page->size() == limits::kReplayPageRows;
      }
    }
    return base::Done{};
  }

 private:
  /// In order of epoch, and of time within it.
  Result<std::vector<Stretch>> find_stretches() {
    const auto windows = read_windows(connection_);
    if (!windows) return windows.error();
    std::vector<Stretch> stretches;
    for (const Window& window : *windows) {
      for (std::uint64_t from = after_.epoch; from <= last_.epoch;) {
        const auto next = connection_.execute(
            "SELECT min(epoch) FROM entries WHERE time_ms >= $1 AND time_ms < $2 AND epoch >= $3",
            window.from_ms, window.to_ms, from);
        if (!next) return error_from(next.error());
        const auto epoch = next->as<std::uint64_t>(0, 0);
        if (next->is_null(0, 0) || epoch > last_.epoch) break;
        stretches.push_back({epoch, window});
        from = epoch + 1;
      }
    }
    std::stable_sort(stretches.begin(), stretches.end(),
                     [](const auto& a, const auto& b) { return a.epoch < b.epoch; });
    return stretches;
  }

  postgres::Result<postgres::Rows> read_page(const Stretch& stretch) {
    static const std::string kPage =
        "SELECT entry, time_ms, person, x, y, color, digest FROM entries "
        "WHERE epoch = $1 AND (entry, time_ms) > ($2, $3) AND entry <= $4 "
        "AND time_ms >= $5 AND time_ms < $6 ORDER BY entry, time_ms LIMIT " +
        std::to_string(limits::kReplayPageRows);
    const std::uint64_t after = stretch.epoch == after_.epoch ? after_.offset : 0;
    const std::uint64_t last = stretch.epoch == last_.epoch ? last_.offset : INT64_MAX;
    return connection_.execute(kPage, stretch.epoch, after, after_time_ms_, last,
                               stretch.window.from_ms, stretch.window.to_ms);
  }

  canvas::Entry take(const postgres::Rows& rows, std::size_t row, std::uint64_t epoch) {
    const canvas::Entry entry{.offset = rows.as<std::uint64_t>(row, 0),
                              .time_ms = rows.integer(row, 1),
                              .person = base::PersonId{rows.integer(row, 2)},
                              .x = rows.as<std::uint16_t>(row, 3),
                              .y = rows.as<std::uint16_t>(row, 4),
                              .color = rows.as<std::uint8_t>(row, 5),
                              .digest = rows.as<std::uint64_t>(row, 6)};
    after_ = {epoch, entry.offset};
    after_time_ms_ = entry.time_ms;
    return entry;
  }

  postgres::Connection& connection_;
  canvas::Position after_;
  std::int64_t after_time_ms_ = INT64_MAX;  // nothing more of the entry that it begins after
  const canvas::Position last_;
};

/// Compares the checkpoints with the board as the walk comes to them.
class BoardCheck {
 public:
  BoardCheck(postgres::Connection& connection, std::vector<canvas::Position> boards)
      : connection_(connection), boards_(std::move(boards)) {}

  void at(const canvas::StandingBoard& standing, Verification& found,
          const Walk::OnProblem& on_problem) {
    const auto order = [](canvas::Position p) { return std::pair(p.epoch, p.offset); };
    while (next_ < boards_.size() && order(boards_[next_]) < order(standing.at.position)) {
      misplaced(on_problem);
    }
    if (next_ == boards_.size() || !(boards_[next_] == standing.at.position)) return;
    ++next_;
    auto stored = board_at(connection_, standing.at.position);
    if (!stored) {
      failed_ = stored.error();
    } else if (stored->has_value()) {
      ++found.boards;
      const canvas::StandingBoard& board = **stored;
      if (board.at.digest != standing.at.digest || !(board.board == standing.board)) {
        on_problem(named(standing.at.position) + " is not what the history adds up to");
      }
    }
  }
  /// After the last position.
  void finish(const Walk::OnProblem& on_problem) {
    while (next_ < boards_.size()) misplaced(on_problem);
  }
  [[nodiscard]] const std::optional<Error>& failed() const { return failed_; }

 private:
  static std::string named(canvas::Position position) {
    return "the stored board at entry " + std::to_string(position.offset) + " of epoch " +
           std::to_string(position.epoch);
  }
  void misplaced(const Walk::OnProblem& on_problem) {
    on_problem(named(boards_[next_++]) + " stands where the history does not come to");
  }

  postgres::Connection& connection_;
  const std::vector<canvas::Position> boards_;  // oldest first
  std::size_t next_ = 0;
  std::optional<Error> failed_;
};

}  // namespace

Result<canvas::StandingBoard> replay(postgres::Connection& connection, const canvas::Board& blank) {
  auto frame = read_frame(connection, false);
  if (!frame) return frame.error();
  std::optional<std::string> problem;
  Walk walk(frame->epochs, blank, [&](std::string what) {
    if (!problem) problem = std::move(what);
  });
  if (frame->newest_board) walk.start_at(std::move(*frame->newest_board));
  EntryReader reader(connection, walk.standing().at.position, frame->cursor.position);
  const auto read = reader.read(walk, [&] { return !problem.has_value(); });
  if (!read) return read.error();
  if (!problem) walk.finish(frame->cursor);
  if (problem) return Error{Failed::damaged, *problem};
  return walk.standing();
}

Result<Verification> verify(postgres::Connection& connection, const canvas::Board& blank) {
  auto frame = read_frame(connection, true);
  if (!frame) return frame.error();
  Verification found{.end = {{}, blank}};
  found.epochs = frame->epochs.size();
  const Walk::OnProblem on_problem = [&](std::string what) {
    ++found.problems;
    if (found.first_problems.size() < limits::kProblemsMax) {
      found.first_problems.push_back(std::move(what));
    }
  };
  BoardCheck boards(connection, frame->boards);
  Walk walk(frame->epochs, blank, on_problem,
            [&](const canvas::StandingBoard& standing) { boards.at(standing, found, on_problem); });
  EntryReader reader(connection, {}, frame->cursor.position);
  const auto read = reader.read(walk, [&] { return !boards.failed().has_value(); });
  if (!read) return read.error();
  if (boards.failed()) return *boards.failed();
  walk.finish(frame->cursor);
  boards.finish(on_problem);
  if (frame->beyond) on_problem("there are entries beyond the cursor");
  found.end = walk.standing();
  found.entries = walk.entries();
  found.void_entries = walk.void_entries();
  return found;
}

}  // namespace archive
