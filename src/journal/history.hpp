// What a journal may know from elsewhere: entries that it does not hold itself any more. A port;
// the cluster's history is kept in PostgreSQL.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "canvas/board.hpp"
#include "journal/journal.hpp"

namespace journal {

/// Where a reader of a journal stands.
struct Standpoint {
  canvas::Position position;
  std::uint64_t digest = 0;
  friend bool operator==(const Standpoint&, const Standpoint&) = default;
};

/// A board and where it stands.
struct StandingBoard {
  Standpoint at;
  canvas::Board board;
};

/// Thread-safe.
class History {
 public:
  virtual ~History() = default;

  /// As Journal::pixel_history, of what is archived.
  virtual void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                             std::function<void(base::Result<std::vector<Placement>>)> done) = 0;

  /// The board at the newest archived position; nullopt when nothing is archived. May take long;
  /// called on the journal's thread only while there is no canvas at all.
  virtual base::Result<std::optional<StandingBoard>> newest_board() = 0;

  /// Everything up to this position is archived.
  [[nodiscard]] virtual canvas::Position archived() const = 0;
};

}  // namespace journal
