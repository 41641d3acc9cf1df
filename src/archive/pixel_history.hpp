// What was placed on one pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// The last placements on a pixel, newest first, without void ones; at most `rows_max` of them and
/// never more than limits::kHistoryRowsMax. Takes limits::kLookupMs and one call at most.
Result<std::vector<Placement>> pixel_history(postgres::Connection& connection, std::uint16_t x,
                                             std::uint16_t y, std::size_t rows_max);

}  // namespace archive
