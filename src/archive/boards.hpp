// Checkpoints of the board. The newest few are kept.
#pragma once

#include <optional>
#include <vector>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// Stores a checkpoint and forgets all but the newest. It must not stand beyond the cursor.
Status put_board(postgres::Connection& connection, canvas::Position position, std::uint64_t digest,
                 const canvas::Board& board);

/// The newest checkpoint that is not void; nullopt when there is none.
Result<std::optional<canvas::StandingBoard>> newest_board(postgres::Connection& connection);

/// Where the checkpoints that are not void stand, oldest first.
Result<std::vector<canvas::Position>> board_positions(postgres::Connection& connection);

/// The checkpoint at one position; nullopt when it is not kept any more.
Result<std::optional<canvas::StandingBoard>> board_at(postgres::Connection& connection,
                                                      canvas::Position position);

}  // namespace archive
