// What a journal may know from elsewhere: entries that it does not hold itself any more. A port;
// the cluster's history is kept in PostgreSQL.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "canvas/standing.hpp"
#include "journal/journal.hpp"

namespace journal {

/// Thread-safe.
class History {
 public:
  virtual ~History() = default;

  /// As Journal::pixel_history, of what is archived.
  virtual void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                             std::function<void(base::Result<std::vector<Placement>>)> done) = 0;

  /// The board at the newest archived position; nullopt when nothing is archived. May take long;
  /// called on the journal's thread only while there is no canvas at all.
  virtual base::Result<std::optional<canvas::StandingBoard>> newest_board() = 0;

  /// Everything up to this position is archived.
  [[nodiscard]] virtual canvas::Position archived() const = 0;
};

}  // namespace journal
