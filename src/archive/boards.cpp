#include "archive/boards.hpp"

#include <string>
#include <utility>

#include "archive/schema.hpp"
#include "base/limits.hpp"

namespace archive {

namespace {

namespace limits = base::limits;

const std::string kSelect = "SELECT epoch, entry, digest, width, height, colors FROM boards ";

Result<std::optional<canvas::StandingBoard>> board_from(
    const postgres::Result<postgres::Rows>& rows) {
  if (!rows) return error_from(rows.error());
  if (rows->empty()) return std::optional<canvas::StandingBoard>{};
  const canvas::Position position{rows->as<std::uint64_t>(0, 0), rows->as<std::uint64_t>(0, 1)};
  const std::int64_t width = rows->integer(0, 3);
  const std::int64_t height = rows->integer(0, 4);
  const auto colors = rows->bytes(0, 5);
  const bool is_board = width > 0 && height > 0 && width <= limits::kCanvasSideMax &&
                        height <= limits::kCanvasSideMax &&
                        colors.size() == static_cast<std::uint64_t>(width * height);
  if (!is_board) {
    return Error{Failed::damaged, "the board at epoch " + std::to_string(position.epoch) +
                                      ", entry " + std::to_string(position.offset) + " is damaged"};
  }
  const canvas::Size size{static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
  return std::optional(canvas::StandingBoard{{position, rows->as<std::uint64_t>(0, 2)},
                                             canvas::Board(size, std::string(colors))});
}

}  // namespace

Status put_board(postgres::Connection& connection, canvas::Position position, std::uint64_t digest,
                 const canvas::Board& board) {
  auto transaction = postgres::Transaction::begin(connection);
  if (!transaction) return error_from(transaction.error());
  auto rows = connection.execute(
      "INSERT INTO boards (epoch, entry, digest, width, height, colors) "
      "SELECT $1, $2, $3, $4, $5, $6 FROM cursor WHERE (cursor.epoch, cursor.entry) >= ($1, $2) "
      "ON CONFLICT (epoch, entry) DO UPDATE SET digest = excluded.digest, "
      "width = excluded.width, height = excluded.height, colors = excluded.colors",
      position.epoch, position.offset, digest, board.size().width, board.size().height,
      postgres::Bytes{board.pixels()});
  if (!rows) return error_from(rows.error());
  if (rows->changed() == 0) {
    return Error{Failed::misused, "the board is ahead of what is archived"};
  }
  rows = connection.execute(
      "DELETE FROM boards WHERE (epoch, entry) NOT IN "
      "(SELECT epoch, entry FROM boards ORDER BY epoch DESC, entry DESC LIMIT $1)",
      limits::kBoardsKept);
  if (!rows) return error_from(rows.error());
  const auto committed = transaction->commit();
  if (!committed) return error_from(committed.error());
  return base::Done{};
}

Result<std::optional<canvas::StandingBoard>> newest_board(postgres::Connection& connection) {
  return board_from(connection.execute(kSelect + "WHERE " + not_void("boards") +
                                       " ORDER BY epoch DESC, entry DESC LIMIT 1"));
}

Result<std::vector<canvas::Position>> board_positions(postgres::Connection& connection) {
  const auto rows = connection.execute("SELECT epoch, entry FROM boards WHERE " +
                                       not_void("boards") + " ORDER BY epoch, entry");
  if (!rows) return error_from(rows.error());
  std::vector<canvas::Position> positions;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    positions.push_back({rows->as<std::uint64_t>(row, 0), rows->as<std::uint64_t>(row, 1)});
  }
  return positions;
}

Result<std::optional<canvas::StandingBoard>> board_at(postgres::Connection& connection,
                                                      canvas::Position position) {
  return board_from(connection.execute(kSelect + "WHERE epoch = $1 AND entry = $2", position.epoch,
                                       position.offset));
}

}  // namespace archive
