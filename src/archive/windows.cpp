#include "archive/windows.hpp"

#include <optional>
#include <string_view>

#include "archive/partitions.hpp"
#include "base/limits.hpp"

namespace archive {

Result<std::vector<Window>> read_windows(postgres::Connection& connection) {
  const auto rows = connection.execute(
      "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
      "WHERE inhparent = 'entries'::regclass ORDER BY relname::text");
  if (!rows) return error_from(rows.error());
  std::vector<Window> windows{{INT64_MIN, INT64_MAX}};
  std::size_t partitions = 0;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    const auto day = day_of_partition(rows->bytes(row, 0));
    if (!day) continue;  // somebody else's, which is read with its neighbours
    if (partitions++ % base::limits::kWindowPartitions != 0 || partitions == 1) continue;
    windows.back().to_ms = *day * kDayMs;
    windows.push_back({*day * kDayMs, INT64_MAX});
  }
  return windows;
}

}  // namespace archive
