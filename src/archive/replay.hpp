// The board made again from history, and history checked. Both read a page of rows at a time: the
// memory they need does not grow with the history, and each statement is short.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// What a check of the whole history found.
struct Verification {
  canvas::StandingBoard end;  // what the history adds up to, for a comparison with the live board
  std::uint64_t entries = 0;
  std::uint64_t void_entries = 0;  // of `entries`
  std::uint64_t epochs = 0;
  std::uint64_t boards = 0;  // checkpoints that were compared
  std::uint64_t problems = 0;
  std::vector<std::string> first_problems;  // one line each, limits::kProblemsMax at most
  [[nodiscard]] bool ok() const { return problems == 0; }
};

/// The board at the cursor: the newest checkpoint and the entries after it that are not void.
/// `blank` is the canvas before its first entry. An entry that is missing or does not fit the
/// digest of the one before is Failed::damaged.
Result<canvas::StandingBoard> replay(postgres::Connection& connection, const canvas::Board& blank);

/// Reads the whole history up to the cursor: offsets without gaps, the chain of digests, times that
/// do not go back within an epoch, pixels on the canvas, the checkpoints of the board, the cursor.
/// What is wrong is counted and told; the check goes on after it.
Result<Verification> verify(postgres::Connection& connection, const canvas::Board& blank);

}  // namespace archive
