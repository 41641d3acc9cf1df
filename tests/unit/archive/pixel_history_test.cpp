// What was placed on one pixel, asked of the archive itself and through the reader's thread.
#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "archive/history_reader.hpp"
#include "base/limits.hpp"
#include "tests/unit/archive/fixture.hpp"

namespace archive {
namespace {

constexpr std::chrono::seconds kPatience{30};

class PixelHistory : public FilledArchiveTest {
 protected:
  /// What the model says of a pixel: offsets, newest first.
  [[nodiscard]] std::vector<std::uint64_t> expected(std::uint16_t x, std::uint16_t y,
                                                    std::size_t rows_max) const {
    std::vector<std::uint64_t> offsets;
    for (auto at = scribe_.valid().rbegin(); at != scribe_.valid().rend(); ++at) {
      const bool is_here = at->entry.x == x && at->entry.y == y;
      if (is_here && offsets.size() < rows_max) offsets.push_back(at->entry.offset);
    }
    return offsets;
  }
  static std::vector<std::uint64_t> offsets(const std::vector<Placement>& placements) {
    std::vector<std::uint64_t> found;
    for (const Placement& placement : placements) found.push_back(placement.entry.offset);
    return found;
  }
  static Result<std::vector<Placement>> ask(HistoryReader& reader, std::uint16_t x,
                                            std::uint16_t y) {
    std::promise<Result<std::vector<Placement>>> answer;
    reader.pixel_history(x, y, 10, [&](auto result) { answer.set_value(std::move(result)); });
    auto future = answer.get_future();
    if (future.wait_for(kPatience) != std::future_status::ready) {
      throw std::runtime_error("no answer");
    }
    return future.get();
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
};

TEST_F(PixelHistory, IsNewestFirstWithNamesAndWithoutVoidEntries) {
  scribe_ = Scribe({4, 3});
  fill(500);
  must(append({}, {scribe_.begin_epoch(400)}));
  scribe_.pass(3 * kDayMs);
  must(append(scribe_.place(200)));
  scribe_.pass(kDayMs);
  must(append({scribe_.place(3, 2, 7, 12345, "Zoë")}));
  for (std::uint16_t y = 0; y < 3; ++y) {
    for (std::uint16_t x = 0; x < 4; ++x) {
      for (const std::size_t rows_max : {0U, 1U, 5U, 100U}) {
        EXPECT_EQ(offsets(must(archive_->pixel_history(x, y, rows_max))), expected(x, y, rows_max));
      }
    }
  }
  const auto newest = must(archive_->pixel_history(3, 2, 2));
  EXPECT_EQ(newest.at(0).entry, scribe_.valid().back().entry);
  EXPECT_EQ(newest.at(0).epoch, 2U);
  EXPECT_EQ(newest.at(0).name, "Zoë");
  EXPECT_EQ(newest.at(1).name, "person " + std::to_string(base::number(newest[1].entry.person)));
  EXPECT_TRUE(must(archive_->pixel_history(4, 0, 10)).empty());
  EXPECT_TRUE(must(archive_->pixel_history(65'535, 65'535, 10)).empty());
}

TEST_F(PixelHistory, PlacementsOfOneMillisecondComeInTheirOrder) {
  const auto epoch = scribe_.begin_epoch(0);
  std::vector<ArchivedEntry> batch;
  for (int i = 0; i < 300; ++i) batch.push_back(scribe_.place(1, 1, 1, i, "person"));
  must(append(batch, {epoch}));
  EXPECT_EQ(offsets(must(archive_->pixel_history(1, 1, 10))), expected(1, 1, 10));
  EXPECT_EQ(must(archive_->pixel_history(1, 1, 1'000)).size(), base::limits::kHistoryRowsMax);
}

TEST_F(PixelHistory, ReadsFewPartitionsOfMany) {
  scribe_ = Scribe({5, 3});
  fill(100);
  must(append({scribe_.place(4, 0, 1, 1, "first")}));
  for (int day = 0; day < 30; ++day) {
    scribe_.pass(kDayMs);
    must(append(scribe_.place(100)));
  }
  must(append({scribe_.place(4, 0, 1, 1, "last")}));
  for (const std::uint16_t x : {std::uint16_t{1}, std::uint16_t{4}}) {
    EXPECT_EQ(offsets(must(archive_->pixel_history(x, 0, 100))), expected(x, 0, 100));
  }
  change("ANALYZE");
  auto connection = connect();
  const auto plan = must(connection.execute(
      "EXPLAIN (ANALYZE, FORMAT text, TIMING off, SUMMARY off) SELECT * FROM entries "
      "WHERE x = 1 AND y = 1 AND NOT EXISTS (SELECT FROM epochs AS later WHERE "
      "later.epoch > entries.epoch AND later.base < entries.entry) "
      "ORDER BY time_ms DESC FETCH FIRST 10 ROWS WITH TIES"));
  int visited = 0;
  int skipped = 0;
  for (std::size_t row = 0; row < plan.size(); ++row) {
    const auto line = plan.bytes(row, 0);
    if (line.find(" on entries_2026") == std::string_view::npos) continue;
    ++(line.find("never executed") == std::string_view::npos ? visited : skipped);
    EXPECT_NE(line.find("Index Scan Backward"), std::string_view::npos) << line;
  }
  EXPECT_LE(visited, 10);
  EXPECT_GE(skipped, 20);
}

TEST_F(PixelHistory, TheReaderAnswersFromAThreadOfItsOwn) {
  scribe_ = Scribe({4, 3});
  fill(200);
  HistoryReader reader(url_of(url()));
  const auto found = ask(reader, 2, 1);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(offsets(*found), expected(2, 1, 10));
  EXPECT_TRUE(reader.connected());
  EXPECT_EQ(reader.problem(), "");
  reader.stop();
  EXPECT_EQ(ask(reader, 2, 1).error().message, "stopped");
  reader.stop();
}

TEST_F(PixelHistory, AReaderAnswersAnErrorWhileTheServerIsAwayAndComesBack) {
  support::PostgresServer server;
  std::ostringstream out;
  const std::vector<std::string> words{"upgrade", "head"};
  HistoryReader reader(url_of(server.url()), {.connect_timeout_ms = 500, .call_timeout_ms = 500});
  const auto no_schema = ask(reader, 0, 0);
  ASSERT_FALSE(no_schema.ok());
  EXPECT_EQ(no_schema.error().message,
            "the database has no schema yet: run `alembic upgrade head` first");
  EXPECT_EQ(reader.problem(), no_schema.error().message);
  ASSERT_EQ(archive::migrate(server.url(), kMigrations, words, out, out), 0) << out.str();
  EXPECT_TRUE(eventually([&] { return reader.connected(); })) << "without anybody asking";
  EXPECT_TRUE(ask(reader, 0, 0).ok());

  server.stop();
  const auto away = ask(reader, 0, 0);
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().kind, Failed::unavailable);
  EXPECT_FALSE(reader.connected());
  EXPECT_EQ(reader.problem().find('\n'), std::string::npos);
  server.start();
  EXPECT_TRUE(eventually([&] { return reader.connected(); }));
  EXPECT_TRUE(ask(reader, 0, 0).ok());

  server.stop();
  server.start();
  EXPECT_TRUE(ask(reader, 0, 0).ok()) << "a restart that nobody saw costs no answer";

  server.freeze();
  EXPECT_FALSE(ask(reader, 0, 0).ok());
  EXPECT_FALSE(ask(reader, 0, 0).ok());
  server.thaw();
  EXPECT_TRUE(eventually([&] { return ask(reader, 0, 0).ok(); }));
}

TEST_F(PixelHistory, AReaderTakesOnNoMoreThanItCanHoldAndStopsAtOnce) {
  support::PostgresServer server;
  std::ostringstream out;
  const std::vector<std::string> words{"upgrade", "head"};
  ASSERT_EQ(archive::migrate(server.url(), kMigrations, words, out, out), 0) << out.str();
  HistoryReader reader(url_of(server.url()));
  ASSERT_TRUE(ask(reader, 0, 0).ok());
  server.freeze();
  std::mutex mutex;
  std::map<std::string, int> said;
  const auto count = [&](const Result<std::vector<Placement>>& result) {
    const std::lock_guard lock(mutex);
    ++said[result ? "found" : result.error().message];
  };
  const int asked = static_cast<int>(base::limits::kQueryQueueMax) + 10;
  for (int i = 0; i < asked; ++i) reader.pixel_history(0, 0, 10, count);
  {
    const std::lock_guard lock(mutex);
    EXPECT_GE(said["busy"], 9) << "one may have been taken up already";
  }
  reader.stop();
  server.thaw();
  int answered = 0;
  for (const auto& [message, times] : said) answered += times;
  EXPECT_EQ(answered, asked) << "each question once";
  EXPECT_GT(said["stopped"], 1'000) << "not one after the other";
}

}  // namespace
}  // namespace archive
