// How fast the archive writes and reads, for people to look at: nothing here depends on it.
#include <gtest/gtest.h>

#include <cstdio>

#include "base/clock.hpp"
#include "postgres/copy.hpp"
#include "tests/unit/archive/fixture.hpp"

namespace archive {
namespace {

constexpr std::size_t kEntries = 80'000;
constexpr std::size_t kBatch = 4'000;

class ArchiveSpeed : public FilledArchiveTest {
 protected:
  /// The rows as a program would send them that did nothing else.
  static std::string copy_stream(std::span<const ArchivedEntry> entries) {
    postgres::CopyRows rows;
    const auto bits = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    for (const ArchivedEntry& archived : entries) {
      rows.begin_row(10);
      rows.add(bits(archived.epoch));
      rows.add(bits(archived.entry.offset));
      rows.add(archived.entry.time_ms);
      rows.add(base::number(archived.entry.person));
      rows.add(bits(archived.entry.digest));
      rows.add(bits(base::number(archived.producer)));
      rows.add(bits(archived.sequence));
      rows.add(static_cast<std::int16_t>(archived.entry.x));
      rows.add(static_cast<std::int16_t>(archived.entry.y));
      rows.add(static_cast<std::int16_t>(archived.entry.color));
    }
    rows.end();
    return rows.bytes();
  }
  /// Rows a second of a plain COPY into `table`, `batch` rows each.
  static double bare(postgres::Connection& connection, const std::string& table,
                     std::span<const ArchivedEntry> all, std::size_t batch) {
    const auto begin_ns = base::steady_ns();
    for (std::size_t done = 0; done < all.size(); done += batch) {
      auto copy =
          must(postgres::Copy::begin(connection, "COPY " + table + " FROM STDIN (FORMAT binary)"));
      must(copy.write(copy_stream(all.subspan(done, std::min(batch, all.size() - done)))));
      must(copy.finish());
    }
    return rate(all.size(), begin_ns);
  }
  static double rate(std::size_t rows, std::int64_t begin_ns) {
    return static_cast<double>(rows) * 1e9 / static_cast<double>(base::steady_ns() - begin_ns);
  }
};

TEST_F(ArchiveSpeed, BesideABareCopyOfTheSameRows) {
  support::PostgresServer server(support::PostgresServer::Disk::durable);
  const auto there = url_of(server.url());
  std::ostringstream out;
  const std::vector<std::string> words{"upgrade", "head"};
  ASSERT_EQ(archive::migrate(server.url(), kMigrations, words, out, out), 0) << out.str();
  scribe_ = Scribe({1000, 1000});
  const auto epoch = scribe_.begin_epoch(0);
  const auto all = scribe_.place(kEntries);

  auto archive = must(Archive::open(there));
  Cursor at;
  const auto append_ns = base::steady_ns();
  for (std::size_t done = 0; done < kEntries; done += kBatch) {
    const auto batch = std::span(all).subspan(done, kBatch);
    const auto& last = batch.back();
    const Cursor next{{1, last.entry.offset}, last.entry.digest};
    const auto epochs = done == 0 ? std::vector{epoch} : std::vector<NewEpoch>{};
    must(archive.append(batch, epochs, at, next));
    at = next;
  }
  const double appended = rate(kEntries, append_ns);

  auto connection = must(postgres::Connection::open(there));
  must(
      connection.run("CREATE TABLE plain (LIKE entries); "
                     "CREATE TABLE indexed (LIKE entries INCLUDING INDEXES)"));
  const double plain = bare(connection, "plain", all, kBatch);
  const double indexed = bare(connection, "indexed", all, kBatch);

  const auto verify_ns = base::steady_ns();
  const auto found = must(archive.verify(scribe_.blank()));
  const double verified = rate(kEntries, verify_ns);
  EXPECT_TRUE(found.ok());
  EXPECT_EQ(found.entries, kEntries);
  EXPECT_EQ(found.end.board, scribe_.board());
  const auto replay_ns = base::steady_ns();
  EXPECT_EQ(must(archive.replay(scribe_.blank())).board, scribe_.board());
  const double replayed = rate(kEntries, replay_ns);

  std::printf("archive      %8.0f rows/s\n", appended);
  std::printf("bare, plain  %8.0f rows/s  archive/bare %.2f\n", plain, appended / plain);
  std::printf("bare, keyed  %8.0f rows/s  archive/bare %.2f\n", indexed, appended / indexed);
  std::printf("verify       %8.0f rows/s\nreplay       %8.0f rows/s\n", verified, replayed);
}

}  // namespace
}  // namespace archive
