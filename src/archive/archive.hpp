// The archive: the journal's entries in PostgreSQL, each exactly once. Start here; types.hpp has
// the words, migrations.hpp makes the tables, history_reader.hpp answers players.
//
// Exactly once: the rows of a batch and the cursor that stands after them change in one
// transaction, and only if the cursor still is where the writer believes it is. So it does not
// matter how many believe that they lead, or what became of a COMMIT whose answer never came: a
// writer opens a new connection, asks for the cursor and goes on from there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "archive/partitions.hpp"
#include "archive/replay.hpp"
#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// One connection, for one thread at a time. Calls block for at most a few seconds (see
/// postgres::Connection); each page of replay() and verify() counts as one. After an error of kind
/// `unavailable` with lost() nothing works any more: open another.
class Archive {
 public:
  /// Fails with one clear line when PostgreSQL is away, refuses us, or has another schema.
  static Result<Archive> open(const postgres::Url& url, const postgres::Options& options = {});

  /// True when this archive leads: an advisory lock, held until the connection ends. It keeps two
  /// archivers from working against each other; what is right does not depend on it.
  Result<bool> try_lead();

  Result<Cursor> cursor();

  /// Stores what leads from `expected` to `next`: `entries` in order, and each epoch that begins
  /// among them or after them in `epochs` (the first one of all, too). Anything else is `misused`;
  /// only a base may lie beyond what is archived, where history was lost. A batch should be small
  /// enough for a few seconds: some 10 000 entries. `lost_leadership`: the cursor has moved.
  Status append(std::span<const ArchivedEntry> entries, std::span<const NewEpoch> epochs,
                const Cursor& expected, const Cursor& next);

  /// Stores a checkpoint of the board, which must not stand beyond the cursor.
  Status put_board(canvas::Position position, std::uint64_t digest, const canvas::Board& board);
  /// The newest checkpoint that is not void.
  Result<std::optional<canvas::StandingBoard>> newest_board();
  /// The board at the cursor; see replay.hpp.
  Result<canvas::StandingBoard> replay(const canvas::Board& blank);
  Result<Verification> verify(const canvas::Board& blank);

  /// See pixel_history.hpp.
  Result<std::vector<Placement>> pixel_history(std::uint16_t x, std::uint16_t y,
                                               std::size_t rows_max);

  [[nodiscard]] bool lost() const { return connection_.lost(); }
  /// The server's process that serves us.
  [[nodiscard]] int server_process() const { return connection_.server_process(); }

 private:
  using Names = std::map<std::int64_t, std::string>;

  explicit Archive(postgres::Connection connection) : connection_(std::move(connection)) {}
  Status make_partitions(std::span<const ArchivedEntry> entries);
  [[nodiscard]] Names new_names(std::span<const ArchivedEntry> entries) const;
  void remember(const Names& names);

  postgres::Connection connection_;
  Partitions partitions_;
  std::unordered_map<std::int64_t, std::string> known_names_;  // as they are stored
};

}  // namespace archive
