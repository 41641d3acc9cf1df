// How the embedded journal starts: on a fresh folder, on a larger canvas, on what is not sound.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "base/limits.hpp"
#include "canvas/digest.hpp"
#include "sqlite/database.hpp"
#include "tests/contract/embedded_backend.hpp"
#include "tests/contract/running_journal.hpp"

namespace contract {
namespace {

class EmbeddedStart : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<RunningJournal> open(const Settings& settings = {}) {
    return std::make_unique<RunningJournal>(
        journal::make_embedded(embedded_options(folder_.path(), settings)));
  }
  /// Why a start fails; empty if it does not.
  [[nodiscard]] std::string failure(const Settings& settings = {}) {
    const auto journal = journal::make_embedded(embedded_options(folder_.path(), settings));
    const auto start = journal->start([](auto) {}, [](auto) {}, [](const auto&) {});
    return start ? "" : start.error().message;
  }
  void fill(std::uint64_t entries) {
    auto journal = open();
    for (std::uint64_t sequence = 1; sequence <= entries; ++sequence) {
      journal->append(place(1, sequence, static_cast<std::uint16_t>(sequence % 32)));
    }
  }
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  void change(const std::string& sql) {
    sqlite::Database(data() + "/journal.db", sqlite::Database::Mode::read_write).execute(sql);
  }
  std::int64_t count(const std::string& sql) {
    return sqlite::Database(data() + "/journal.db", sqlite::Database::Mode::read_write).number(sql);
  }

  TemporaryFolder folder_;
};

TEST_F(EmbeddedStart, MakesTheFolderForItsUserAlone) {
  auto journal = open();
  struct stat status {};
  ASSERT_EQ(::stat(data().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(EmbeddedStart, LeavesNoLogBehindWhenStopped) {
  fill(10);
  EXPECT_TRUE(std::filesystem::exists(data() + "/journal.db"));
  EXPECT_FALSE(std::filesystem::exists(data() + "/journal.db-wal"));
}

TEST_F(EmbeddedStart, HoldsTheFolderAlone) {
  auto journal = open();
  EXPECT_NE(failure().find("in use by another process"), std::string::npos) << failure();
  (*journal)->stop();
  EXPECT_EQ(failure(), "");
}

TEST_F(EmbeddedStart, SaysWhenTheFolderCannotBeMade) {
  std::ofstream(data()) << "a file";
  EXPECT_NE(failure().find(data()), std::string::npos) << failure();
}

// --- Another size ---------------------------------------------------------------------------

TEST_F(EmbeddedStart, RefusesToShrink) {
  fill(1);
  EXPECT_NE(failure({.size = {31, 16}}).find("is 32x16 and cannot shrink to 31x16"),
            std::string::npos);
  EXPECT_NE(failure({.size = {64, 15}}).find("cannot shrink"), std::string::npos);
  EXPECT_EQ(failure(), "");
}

TEST_F(EmbeddedStart, ALargerCanvasBeginsANewEpochAndKeepsThePictureAndTheHistory) {
  auto journal = open();
  const auto first = journal->accept(place(1, 1, 31, 15, 4));
  journal.reset();

  const Settings larger{.size = {40, 20}};
  journal = open(larger);
  const auto& start = journal->start();
  EXPECT_GT(start.position.epoch, first.position.epoch);
  EXPECT_EQ(start.position.offset, 1U);
  EXPECT_EQ(start.digest, 0U);
  EXPECT_TRUE(start.tail.empty());
  canvas::Board board(canvas::Size{40, 20}, 9);
  board.set(31, 15, 4);
  EXPECT_EQ(start.board, board);

  const auto second = journal->accept(place(1, 2, 31, 15, 5));
  EXPECT_EQ(second.position, (canvas::Position{start.position.epoch, 2}));
  const auto entry = journal->committed().front();
  EXPECT_EQ(entry.digest, canvas::next_digest(0, entry));
  EXPECT_EQ(journal->accept(place(1, 1)), first) << "the first answer names the old epoch";
  EXPECT_EQ(journal->history(31, 15).size(), 2U);
  const auto epoch = start.position.epoch;
  journal.reset();

  journal = open(larger);
  EXPECT_EQ(journal->start().position, (canvas::Position{epoch, 2}));
  EXPECT_EQ(journal->start().digest, entry.digest);
  EXPECT_EQ(journal->start().tail, std::vector{entry});
  board.set(31, 15, 5);
  EXPECT_EQ(journal->start().board, board);
}

// --- Damage ---------------------------------------------------------------------------------

TEST_F(EmbeddedStart, SaysWhichEntryIsMissing) {
  fill(20);
  change("DELETE FROM entries WHERE entry = 7");
  EXPECT_NE(failure().find("entry 7 is missing"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, SaysWhenTheLastEntriesAreMissing) {
  fill(20);
  change("DELETE FROM entries WHERE entry > 15");
  EXPECT_NE(failure().find("entry 20 is missing"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, SaysWhichEntryWasChanged) {
  fill(20);
  change("UPDATE entries SET color = color + 1 WHERE entry = 5");
  EXPECT_NE(failure().find("entry 5 is damaged"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, SaysWhenAnEntryLiesOutsideTheCanvas) {
  fill(1);
  change("UPDATE entries SET x = 32");
  EXPECT_NE(failure().find("entry 1 is damaged"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, SaysWhenTheCheckpointIsOfAnotherJournal) {
  fill(20);
  change("UPDATE checkpoint SET digest = digest + 1");
  EXPECT_NE(failure().find("does not fit the entries"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, SaysWhenARowOfTheBoardIsDamaged) {
  fill(20);
  change("UPDATE board_rows SET colors = x'0102'");
  EXPECT_NE(failure().find("row 2 of the board's checkpoint is damaged"), std::string::npos)
      << failure();
}

TEST_F(EmbeddedStart, RefusesAFileThatIsNoJournal) {
  std::filesystem::create_directory(data());
  std::ofstream(data() + "/journal.db") << std::string(5'000, 'x');
  EXPECT_NE(failure().find("not a database"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, RefusesAnotherProgramsDatabase) {
  std::filesystem::create_directory(data());
  change("CREATE TABLE other (x)");
  EXPECT_NE(failure().find("is not a journal"), std::string::npos) << failure();
}

TEST_F(EmbeddedStart, RefusesAJournalOfAnotherVersion) {
  fill(1);
  change("PRAGMA user_version = 99");
  EXPECT_NE(failure().find("of version 99"), std::string::npos) << failure();
}

// --- Forgetting and limits ------------------------------------------------------------------

TEST_F(EmbeddedStart, ProducersAreForgottenADayAfterTheirLastPlacementAndNotBefore) {
  constexpr std::int64_t kStartMs = 1'790'000'000'000;
  constexpr std::int64_t kDayMs = base::limits::kProducerKeepMs;
  auto clock = std::make_shared<std::atomic<std::int64_t>>(kStartMs);
  auto options = embedded_options(folder_.path(), {});
  options.now_ms = [clock] { return clock->load(); };
  RunningJournal journal(journal::make_embedded(options));
  for (std::int64_t person = 1; person <= 50; ++person) journal.accept(place(person, 1));
  *clock = kStartMs + kDayMs - 1'000;
  for (std::uint64_t sequence = 1; sequence <= 60; ++sequence) journal.accept(place(99, sequence));
  for (std::int64_t person = 1; person <= 50; ++person) {
    EXPECT_EQ(journal.accept(place(person, 1)).position.offset, static_cast<unsigned>(person));
  }
  *clock = kStartMs + kDayMs + 120'000;
  for (std::uint64_t sequence = 61; sequence <= 120; ++sequence) {
    journal.accept(place(99, sequence));
  }
  journal->stop();
  EXPECT_EQ(count("SELECT count(*) FROM producers"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM people"), 51);
}

TEST_F(EmbeddedStart, QuestionsThatDoNotFitTheQueueAreAnsweredBusyAtOnce) {
  auto journal = open();
  std::promise<void> held;
  std::promise<void> release;
  (*journal)->charges(base::PersonId{1}, [&](auto) {
    held.set_value();
    release.get_future().wait();
  });
  wait(held.get_future());
  std::atomic<std::size_t> answered = 0;
  for (std::size_t i = 0; i < base::limits::kQueryQueueMax; ++i) {
    (*journal)->pixel_history(1, 1, 5, [&](auto result) { answered += result.ok() ? 1U : 0U; });
  }
  std::string error;
  (*journal)->pixel_history(1, 1, 5, [&](auto result) { error = result.error().message; });
  EXPECT_EQ(error, "busy");
  EXPECT_EQ(answered, 0U);
  release.set_value();
  (*journal)->stop();
  EXPECT_EQ(answered, base::limits::kQueryQueueMax);
}

TEST_F(EmbeddedStart, BatchesAreObserved) {
  std::atomic<std::size_t> entries = 0;
  auto options = embedded_options(folder_.path(), {});
  options.observers.on_batch = [&](std::size_t batch, double seconds) {
    EXPECT_GT(seconds, 0);
    entries += batch;
  };
  RunningJournal journal(journal::make_embedded(options));
  for (std::uint64_t sequence = 1; sequence <= 20; ++sequence) journal.append(place(1, sequence));
  journal->stop();
  EXPECT_EQ(entries, 20U);
}

}  // namespace
}  // namespace contract
