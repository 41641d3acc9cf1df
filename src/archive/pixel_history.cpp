#include "archive/pixel_history.hpp"

#include <algorithm>
#include <string>

#include "archive/schema.hpp"
#include "archive/windows.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"

namespace archive {

namespace {

// The innermost query follows the index in the order of the partitions and stops early; it takes
// in all that were placed in the last row's millisecond, so that they can be put in order.
std::string query() {
  return "SELECT newest.*, coalesce(people.name, '') FROM (SELECT * FROM ("
         "SELECT epoch, entry, time_ms, person, digest, x, y, color FROM entries "
         "WHERE x = $1 AND y = $2 AND time_ms >= $4 AND time_ms < $5 AND " +
         not_void("entries") +
         " ORDER BY time_ms DESC FETCH FIRST $3 ROWS WITH TIES) AS last "
         "ORDER BY time_ms DESC, epoch DESC, entry DESC LIMIT $3) AS newest "
         "LEFT JOIN people USING (person) ORDER BY time_ms DESC, epoch DESC, entry DESC";
}

Placement placement_from(const postgres::Rows& rows, std::size_t row) {
  Placement placement;
  placement.epoch = rows.as<std::uint64_t>(row, 0);
  placement.entry = {.offset = rows.as<std::uint64_t>(row, 1),
                     .time_ms = rows.integer(row, 2),
                     .person = base::PersonId{rows.integer(row, 3)},
                     .x = rows.as<std::uint16_t>(row, 5),
                     .y = rows.as<std::uint16_t>(row, 6),
                     .color = rows.as<std::uint8_t>(row, 7),
                     .digest = rows.as<std::uint64_t>(row, 4)};
  placement.name = rows.bytes(row, 8);
  return placement;
}

}  // namespace

Result<std::vector<Placement>> pixel_history(postgres::Connection& connection, std::uint16_t x,
                                             std::uint16_t y, std::size_t rows_max) {
  static const std::string kQuery = query();
  rows_max = std::min(rows_max, base::limits::kHistoryRowsMax);
  const std::int64_t give_up_ms = base::steady_ms() + base::limits::kLookupMs;
  auto windows = read_windows(connection);
  if (!windows) return windows.error();
  std::reverse(windows->begin(), windows->end());
  std::vector<Placement> placements;
  for (const Window& window : *windows) {
    if (placements.size() == rows_max) break;
    if (base::steady_ms() > give_up_ms) {
      return Error{Failed::unavailable, "PostgreSQL is too slow to look through the history"};
    }
    const auto rows = connection.execute(kQuery, x, y, rows_max - placements.size(), window.from_ms,
                                         window.to_ms);
    if (!rows) return error_from(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) {
      placements.push_back(placement_from(*rows, row));
    }
  }
  return placements;
}

}  // namespace archive
