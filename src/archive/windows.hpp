// Stretches of time that each touch few partitions. A query over all partitions takes the server
// longer to plan than to run, the more so the more days there are; one over a window does not.
#pragma once

#include <cstdint>
#include <vector>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// From `from_ms` on, before `to_ms`.
struct Window {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
};

/// Windows that together are all of time, oldest first, each with at most
/// limits::kWindowPartitions of the partitions that there are now.
Result<std::vector<Window>> read_windows(postgres::Connection& connection);

}  // namespace archive
