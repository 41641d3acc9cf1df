// The board made again from history, and what a check of the history finds.
#include "archive/replay.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "tests/unit/archive/fixture.hpp"

namespace archive {
namespace {

class ReplayTest : public FilledArchiveTest {
 protected:
  /// Three epochs; the second and the third each lost what came after their base.
  void fill_with_losses() {
    fill(1'000);
    must(append({}, {scribe_.begin_epoch(900)}));
    must(append(scribe_.place(500)));
    scribe_.pass(kDayMs);
    must(append(scribe_.place(200)));
    const auto epoch = scribe_.begin_epoch(850);  // before the base of the one it follows
    must(append(scribe_.place(300), {epoch}));
  }
  void put_board() {
    must(archive_->put_board(scribe_.cursor().position, scribe_.cursor().digest, scribe_.board()));
  }
  void expect_replayed() {
    const auto replayed = must(archive_->replay(scribe_.blank()));
    EXPECT_EQ(replayed.at, scribe_.cursor());
    EXPECT_EQ(replayed.board, scribe_.board());
  }
  std::vector<std::string> problems() {
    return must(archive_->verify(scribe_.blank())).first_problems;
  }
  using Problems = std::vector<std::string>;
};

TEST_F(ReplayTest, AnEmptyArchiveIsABlankBoard) {
  expect_replayed();
  EXPECT_EQ(problems(), Problems{});
}

TEST_F(ReplayTest, IsTheBoardOfTheModelWithVoidEntriesLeftOut) {
  fill_with_losses();
  expect_replayed();
  const auto found = must(archive_->verify(scribe_.blank()));
  EXPECT_TRUE(found.ok()) << testing::PrintToString(found.first_problems);
  EXPECT_EQ(found.end.board, scribe_.board());
  EXPECT_EQ(found.end.at.position, (canvas::Position{3, 1150}));
  EXPECT_EQ(found.end.at.digest, scribe_.cursor().digest);
  EXPECT_EQ(found.entries, 2'000U);
  EXPECT_EQ(found.void_entries, 150U + 700U);
  EXPECT_EQ(found.epochs, 3U);
}

TEST_F(ReplayTest, BeginsAtTheNewestBoardThatIsNotVoid) {
  fill(500);
  put_board();
  must(append(scribe_.place(100)));
  put_board();
  must(append(scribe_.place(50)));
  expect_replayed();
  // Wherever the history before the board is damaged, nobody looks.
  change("DELETE FROM entries WHERE entry < 600");
  expect_replayed();
  must(append({}, {scribe_.begin_epoch(620)}));
  must(append(scribe_.place(10)));
  expect_replayed();
  change(
      "INSERT INTO boards SELECT 1, 621, digest, width, height, "
      "decode(repeat('00', width * height), 'hex') FROM boards LIMIT 1");
  expect_replayed();
}

TEST_F(ReplayTest, ReadsPageByPage) {
  const auto pages = base::limits::kReplayPageRows;
  fill(2 * pages);  // a last page that is full
  expect_replayed();
  must(append(scribe_.place(pages / 2)));
  put_board();
  must(append(scribe_.place(pages + 1)));
  expect_replayed();
  const auto found = must(archive_->verify(scribe_.blank()));
  EXPECT_TRUE(found.ok()) << testing::PrintToString(found.first_problems);
  EXPECT_EQ(found.entries, 3 * pages + pages / 2 + 1);
  EXPECT_EQ(found.boards, 1U);
}

TEST_F(ReplayTest, ReadsManyDaysEvenWithAClockThatWasSetBackBetweenEpochs) {
  fill(100);
  const auto days = [&](int count) {
    for (int day = 0; day < count; ++day) {
      scribe_.pass(kDayMs);
      must(append(scribe_.place(30)));
    }
  };
  days(40);
  put_board();
  scribe_.pass(-35 * kDayMs);
  must(append({}, {scribe_.begin_epoch(scribe_.cursor().position.offset - 100)}));
  days(20);
  expect_replayed();
  const auto found = must(archive_->verify(scribe_.blank()));
  EXPECT_TRUE(found.ok()) << testing::PrintToString(found.first_problems);
  EXPECT_EQ(found.entries, 100U + 40 * 30 + 20 * 30);
  EXPECT_EQ(found.void_entries, 100U);
  EXPECT_EQ(found.end.board, scribe_.board());
}

TEST_F(ReplayTest, AMissingEntryIsFound) {
  fill_with_losses();
  change("DELETE FROM entries WHERE epoch = 1 AND entry BETWEEN 100 AND 102");
  EXPECT_EQ(problems(), Problems{"entries 100 to 102 of epoch 1 are missing"});
  EXPECT_EQ(archive_->replay(scribe_.blank()).error().kind, Failed::damaged);
  EXPECT_EQ(archive_->replay(scribe_.blank()).error().message,
            "entries 100 to 102 of epoch 1 are missing");
}

TEST_F(ReplayTest, MissingEntriesAtTheEndsAreFound) {
  fill_with_losses();
  change("DELETE FROM entries WHERE entry = 1 OR epoch = 3 AND entry = 1150");
  EXPECT_EQ(problems(),
            (Problems{"entry 1 of epoch 1 is missing", "entry 1150 of epoch 3 is missing"}));
  change("DELETE FROM entries WHERE epoch = 1 AND entry >= 840");
  EXPECT_EQ(problems(),
            (Problems{"entry 1 of epoch 1 is missing", "entries 840 to 900 of epoch 1 are missing",
                      "entry 1150 of epoch 3 is missing"}))
      << "what the second epoch stands on";
}

TEST_F(ReplayTest, AChangedColorIsFound) {
  fill_with_losses();
  change("UPDATE entries SET color = (color + 1) % 32 WHERE epoch = 3 AND entry = 1000");
  EXPECT_EQ(problems(), Problems{"entry 1000 of epoch 3: its digest does not follow"});
  EXPECT_EQ(archive_->replay(scribe_.blank()).error().message,
            "entry 1000 of epoch 3: its digest does not follow");
}

TEST_F(ReplayTest, AWrongDigestIsFound) {
  fill_with_losses();
  change("UPDATE entries SET digest = digest + 1 WHERE epoch = 1 AND entry = 10");
  EXPECT_EQ(problems(), (Problems{"entry 10 of epoch 1: its digest does not follow",
                                  "entry 11 of epoch 1: its digest does not follow"}));
  change("UPDATE entries SET digest = digest - 1 WHERE epoch = 1 AND entry = 10");
  EXPECT_EQ(problems(), Problems{});
  change("UPDATE cursor SET digest = digest + 1");
  EXPECT_EQ(problems(), Problems{"the cursor's digest is not that of the last entry"});
  change(
      "UPDATE cursor SET digest = digest - 1; "
      "UPDATE epochs SET base_digest = base_digest + 1 WHERE epoch = 3");
  EXPECT_EQ(problems(), (Problems{"epoch 3 does not continue the digest before",
                                  "entry 851 of epoch 3: its digest does not follow"}));
}

TEST_F(ReplayTest, DamageOfOtherKindsIsFound) {
  fill_with_losses();
  change(
      "INSERT INTO entries SELECT epoch, entry, time_ms + 1, person, digest, producer, "
      "sequence, x, y, color FROM entries WHERE epoch = 3 AND entry = 900");
  EXPECT_EQ(problems(), Problems{"entry 900 of epoch 3 is there twice"});
  change(
      "DELETE FROM entries WHERE ctid = (SELECT max(ctid) FROM entries WHERE epoch = 3 AND "
      "entry = 900) AND epoch = 3 AND entry = 900");
  EXPECT_EQ(problems(), Problems{});
  change("UPDATE epochs SET epoch = 9 WHERE epoch = 2");
  const auto lost_epoch = must(archive_->verify(scribe_.blank()));
  EXPECT_EQ(lost_epoch.first_problems.at(0), "entry 901 of epoch 2: no such epoch");
  EXPECT_EQ(lost_epoch.first_problems.size(), base::limits::kProblemsMax);
  EXPECT_GE(lost_epoch.problems, 700U);
  change("UPDATE epochs SET epoch = 2 WHERE epoch = 9; UPDATE cursor SET entry = entry - 1");
  EXPECT_EQ(problems(), (Problems{"the cursor's digest is not that of the last entry",
                                  "there are entries beyond the cursor"}));
  change("UPDATE cursor SET entry = entry + 1");
  const auto small = must(archive_->verify(canvas::Board({40, 29}, kBlank)));
  EXPECT_NE(small.first_problems.at(0).find("lies outside the canvas"), std::string::npos);
  EXPECT_EQ(problems(), Problems{});
  change("DELETE FROM cursor");
  EXPECT_EQ(archive_->verify(scribe_.blank()).error().message, "the cursor is missing");
}

TEST_F(ReplayTest, AStoredBoardThatIsNotTheHistorysIsFound) {
  fill(300);
  put_board();
  must(append(scribe_.place(100)));
  put_board();
  auto found = must(archive_->verify(scribe_.blank()));
  EXPECT_TRUE(found.ok());
  EXPECT_EQ(found.boards, 2U);
  change(
      "UPDATE boards SET colors = set_byte(colors, 5, get_byte(colors, 5) # 1) "
      "WHERE entry = 300");
  found = must(archive_->verify(scribe_.blank()));
  EXPECT_EQ(found.first_problems,
            Problems{"the stored board at entry 300 of epoch 1 is not what the history adds up "
                     "to"});
  EXPECT_EQ(found.end.board, scribe_.board()) << "history itself is fine";
  change("UPDATE boards SET entry = 401 WHERE entry = 300");
  EXPECT_EQ(problems(),
            Problems{"the stored board at entry 401 of epoch 1 stands where the history does not "
                     "come to"});
}

TEST_F(ReplayTest, HistoryThatWasLostBeforeItWasArchivedIsAProblemOfTheCheckOnly) {
  fill(100);
  // The next epoch stands on twenty entries that nobody archived; its first board is stored.
  scribe_.place(20);
  must(append({}, {scribe_.begin_epoch(120)}));
  EXPECT_EQ(problems(), Problems{"entries 101 to 120 of epoch 1 are missing"});
  EXPECT_EQ(archive_->replay(scribe_.blank()).error().kind, Failed::damaged);
  put_board();
  must(append(scribe_.place(10)));
  expect_replayed();
}

TEST_F(ReplayTest, GoesOnWhileEntriesAreBeingAdded) {
  fill(3'000);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) must(append(scribe_.place(100)));
  });
  Archive reader = open();
  for (int i = 0; i < 8; ++i) {
    const auto found = must(reader.verify(scribe_.blank()));
    EXPECT_TRUE(found.ok()) << testing::PrintToString(found.first_problems);
    EXPECT_EQ(found.entries, found.end.at.position.offset);
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace archive
