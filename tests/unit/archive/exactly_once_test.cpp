// Every entry is archived exactly once, whoever dies in between: writers, their connections, and
// PostgreSQL itself.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/archive/fixture.hpp"

namespace archive {
namespace {

class ExactlyOnce : public FilledArchiveTest {
 protected:
  /// Exactly what the scribe wrote is there, each entry once.
  void expect_all_once() {
    auto archive = open();
    const auto found = must(archive.verify(scribe_.blank()));
    EXPECT_TRUE(found.ok()) << testing::PrintToString(found.first_problems);
    EXPECT_EQ(found.entries, scribe_.valid().size());
    EXPECT_EQ(found.end.at.position, scribe_.cursor().position);
    EXPECT_EQ(found.end.at.digest, scribe_.cursor().digest);
    EXPECT_EQ(found.end.board, scribe_.board());
  }
};

TEST_F(ExactlyOnce, OfTwoWritersOneLosesAndWritesNothing) {
  fill(10);
  Archive other = open();
  const auto batch = scribe_.place(5);
  const Cursor from = archived_;
  ASSERT_TRUE(append(batch).ok());
  const auto lost = other.append(batch, {}, from, archived_);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().kind, Failed::lost_leadership);
  EXPECT_EQ(lost.error().message, "the archive has moved on from 1/10");
  EXPECT_EQ(must(other.cursor()), archived_);
  const auto next = scribe_.place(1);
  EXPECT_TRUE(other.append(next, {}, archived_, scribe_.cursor()).ok());
  expect_all_once();
}

TEST_F(ExactlyOnce, WritersWhoAllBelieveThatTheyLeadShareTheWork) {
  fill(1);
  constexpr std::size_t kEntries = 20'000;
  const auto all = scribe_.place(kEntries);
  std::atomic<int> wins = 0;
  std::atomic<int> losses = 0;
  std::atomic<int> wrong = 0;
  const auto write = [&] {
    Archive archive = open();
    while (true) {
      const Cursor from = must(archive.cursor());
      const std::size_t done = from.position.offset - 1;
      if (done == kEntries) return;
      const auto batch = std::span(all).subspan(done, std::min<std::size_t>(250, kEntries - done));
      const auto& last = batch.back();
      const auto appended =
          archive.append(batch, {}, from, {{last.epoch, last.entry.offset}, last.entry.digest});
      if (appended) {
        ++wins;
      } else {
        ++(appended.error().kind == Failed::lost_leadership ? losses : wrong);
      }
    }
  };
  std::thread first(write);
  std::thread second(write);
  first.join();
  second.join();
  EXPECT_EQ(wins, static_cast<int>(kEntries / 250));
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(losses, 0) << "they were meant to meet";
  expect_all_once();
}

TEST_F(ExactlyOnce, AConnectionThatEndsInTheMiddleOfACopyLeavesNothingBehind) {
  fill(10);
  // Far more than a server that is not allowed to finish can take in.
  const auto batch = scribe_.place(100'000);
  std::optional<Status> appended;
  std::thread writer([&] { appended = append(batch); });
  // The writer's process is killed when its COPY has begun to store rows.
  auto observer = connect();
  const std::string terminate =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_copy WHERE tuples_processed > "
      "0";
  while (must(observer.execute(terminate)).integer(0, 0) == 0) std::this_thread::yield();
  writer.join();
  ASSERT_FALSE(appended->ok());
  EXPECT_EQ(appended->error().kind, Failed::unavailable);
  EXPECT_TRUE(archive_->lost());
  EXPECT_EQ(archive_->cursor().error().kind, Failed::unavailable);

  archive_ = std::make_unique<Archive>(open());
  ASSERT_EQ(must(archive_->cursor()), archived_) << "nothing of it was stored";
  ASSERT_TRUE(append(batch).ok());
  expect_all_once();
}

TEST_F(ExactlyOnce, AKilledServerLosesNothingThatWasArchived) {
  support::PostgresServer server(support::PostgresServer::Disk::durable);
  const auto there = url_of(server.url());
  {
    // Even where commits are set to return before they are on disk, and the disk is far behind.
    auto connection = must(postgres::Connection::open(there));
    must(connection.run("ALTER SYSTEM SET synchronous_commit = off"));
    must(connection.run("ALTER SYSTEM SET wal_writer_delay = '10s'"));
    must(connection.run("SELECT pg_reload_conf()"));
    std::ostringstream out;
    const std::vector<std::string> words{"upgrade", "head"};
    ASSERT_EQ(archive::migrate(server.url(), kMigrations, words, out, out), 0) << out.str();
  }
  const std::vector<NewEpoch> epochs{scribe_.begin_epoch(0)};
  std::vector<ArchivedEntry> all;
  Cursor acknowledged;
  for (int round = 0; round < 3; ++round) {
    auto archive = must(Archive::open(there));
    Cursor at = must(archive.cursor());
    ASSERT_GE(at.position.offset, acknowledged.position.offset) << "a lost acknowledgement";
    std::atomic<int> batches = 0;
    std::thread killer([&] {
      while (batches < 5) std::this_thread::yield();
      server.kill();
    });
    while (true) {
      if (at.position.offset == all.size()) {
        for (auto& entry : scribe_.place(500)) all.push_back(std::move(entry));
      }
      const auto batch = std::span(all).subspan(at.position.offset);
      const Cursor next{{1, all.size()}, all.back().entry.digest};
      const bool first = at == Cursor{};
      if (!archive.append(batch, first ? epochs : std::vector<NewEpoch>{}, at, next)) break;
      at = acknowledged = next;
      ++batches;
    }
    killer.join();
    server.start();
  }
  auto archive = must(Archive::open(there));
  const auto found = must(archive.verify(scribe_.blank()));
  EXPECT_TRUE(found.ok()) << testing::PrintToString(found.first_problems);
  EXPECT_EQ(found.end.at.position.offset, found.entries);
  EXPECT_GE(found.end.at.position.offset, acknowledged.position.offset);
  EXPECT_GE(found.entries, 15U * 500U);
}

TEST_F(ExactlyOnce, AStoppedServerIsUnavailableWithinSecondsAndTheWorkGoesOnAfterwards) {
  fill(10);
  archive_ = std::make_unique<Archive>(
      must(Archive::open(url_of(url()), {.connect_timeout_ms = 300, .call_timeout_ms = 300})));
  const auto batch = scribe_.place(10);
  server_->freeze();
  const auto appended = append(batch);
  server_->thaw();
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().kind, Failed::unavailable);
  EXPECT_TRUE(archive_->lost());
  archive_ = std::make_unique<Archive>(open());
  ASSERT_TRUE(append(batch).ok()) << "what the lost connection had begun is rolled back";
  expect_all_once();
}

TEST_F(ExactlyOnce, SaysInOneLineWhyThereIsNoArchive) {
  const auto why = [](const std::string& text) { return Archive::open(url_of(text)).error(); };
  const auto address = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_NE(why("postgresql://canvas:secret@" + address + "/postgres")
                .message.find("password authentication failed for user \"canvas\""),
            std::string::npos);
  const auto unreachable = why("postgresql://canvas:secret@127.0.0.1:1/postgres");
  EXPECT_EQ(unreachable.kind, Failed::unavailable);
  EXPECT_NE(unreachable.message.find("Connection refused"), std::string::npos);
  EXPECT_EQ(unreachable.message.find('\n'), std::string::npos);
  EXPECT_EQ(unreachable.message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace archive
