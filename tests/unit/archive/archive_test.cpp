// The archive: what is written, in one step, and by one writer at a time.
#include "archive/archive.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/archive/fixture.hpp"

namespace archive {
namespace {

using ArchiveWriter = FilledArchiveTest;

TEST_F(ArchiveWriter, KeepsEverythingThatIsKnownOfAnEntry) {
  const auto epoch = scribe_.begin_epoch(0);
  auto entry = scribe_.place(39, 29, 31, -123, "Ann \"Ö\"");
  ASSERT_TRUE(append({entry}, {epoch}).ok());
  auto connection = connect();
  const auto rows = must(connection.execute(
      "SELECT epoch, entry, time_ms, person, x, y, color, digest, producer, sequence, name "
      "FROM entries JOIN people USING (person)"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows.integer(0, 0), 1);
  EXPECT_EQ(rows.integer(0, 1), 1);
  EXPECT_EQ(rows.integer(0, 2), entry.entry.time_ms);
  EXPECT_EQ(rows.integer(0, 3), -123);
  EXPECT_EQ(rows.integer(0, 4), 39);
  EXPECT_EQ(rows.integer(0, 5), 29);
  EXPECT_EQ(rows.integer(0, 6), 31);
  EXPECT_EQ(rows.as<std::uint64_t>(0, 7), entry.entry.digest);
  EXPECT_EQ(rows.as<std::uint64_t>(0, 8), base::number(entry.producer));
  EXPECT_EQ(rows.integer(0, 9), 1);
  EXPECT_EQ(rows.bytes(0, 10), "Ann \"Ö\"");
  EXPECT_EQ(must(archive_->cursor()), scribe_.cursor());
  EXPECT_EQ(must(open().cursor()), scribe_.cursor());
}

TEST_F(ArchiveWriter, GoesOnFromTheCursorBatchByBatch) {
  fill(10);
  ASSERT_TRUE(append(scribe_.place(1)).ok());
  ASSERT_TRUE(append(scribe_.place(5'000)).ok());
  ASSERT_TRUE(append({}).ok()) << "nothing to write";
  archive_ = std::make_unique<Archive>(open());
  ASSERT_TRUE(append(scribe_.place(7)).ok());
  EXPECT_EQ(number("SELECT count(*) FROM entries"), 5'018);
  EXPECT_EQ(number("SELECT count(DISTINCT entry) FROM entries"), 5'018);
  EXPECT_EQ(must(archive_->cursor()), scribe_.cursor());
}

TEST_F(ArchiveWriter, NamesAreThoseOfTheLastPlacement) {
  const auto epoch = scribe_.begin_epoch(0);
  const auto place = [&](std::int64_t person, const std::string& name) {
    return scribe_.place(1, 1, 1, person, name);
  };
  const auto name = [&](std::int64_t person) {
    auto connection = connect();
    return std::string(
        must(connection.execute("SELECT name FROM people WHERE person = $1", person)).bytes(0, 0));
  };
  ASSERT_TRUE(append({place(1, "a"), place(2, "b"), place(1, "c")}, {epoch}).ok());
  EXPECT_EQ(name(1), "c");
  ASSERT_TRUE(append({place(1, "d"), place(1, "c")}).ok());
  EXPECT_EQ(name(1), "c");
  ASSERT_TRUE(append({place(1, "e"), place(2, "b")}).ok());
  EXPECT_EQ(name(1), "e");
  EXPECT_EQ(name(2), "b");
  // What PostgreSQL would refuse must not hold the archive up.
  ASSERT_TRUE(append({place(3, std::string("n\0l", 3)), place(4,
                                                              "b\xff"
                                                              "d ö")})
                  .ok());
  EXPECT_EQ(name(3), "nl");
  EXPECT_EQ(name(4), "b?d ??");
  // A name that was not stored after all is sent again.
  auto lost = place(1, "f");
  lost.entry.offset += 1;
  EXPECT_FALSE(append({lost}).ok());
  lost.entry.offset -= 1;
  ASSERT_TRUE(append({lost}).ok());
  EXPECT_EQ(name(1), "f");
}

TEST_F(ArchiveWriter, RefusesWhatDoesNotLeadFromOneCursorToTheOther) {
  fill(10);
  const Cursor from = archived_;
  auto batch = scribe_.place(3);
  const Cursor to = scribe_.cursor();
  const auto refused = [&](const std::vector<ArchivedEntry>& entries,
                           const std::vector<NewEpoch>& epochs, const Cursor& expected,
                           const Cursor& next) {
    const auto appended = archive_->append(entries, epochs, expected, next);
    return !appended && appended.error().kind == Failed::misused;
  };
  EXPECT_TRUE(refused({batch[0], batch[2]}, {}, from, to)) << "a gap";
  EXPECT_TRUE(refused({batch[1], batch[2]}, {}, from, to));
  EXPECT_TRUE(refused({batch[0], batch[0], batch[1], batch[2]}, {}, from, to));
  EXPECT_TRUE(refused(batch, {}, from, from));
  EXPECT_TRUE(refused({}, {}, from, to));
  EXPECT_TRUE(refused(batch, {}, from, {to.position, to.digest + 1}));
  EXPECT_TRUE(refused(batch, {NewEpoch{1, 10, 0}}, from, to)) << "that has begun before";
  EXPECT_TRUE(refused(batch, {NewEpoch{3, 13, 0}, NewEpoch{2, 13, 0}}, from, {{2, 13}, 0}));
  auto other_epoch = batch;
  other_epoch[1].epoch = other_epoch[2].epoch = 2;
  EXPECT_TRUE(refused(other_epoch, {}, from, {{2, 13}, to.digest}));
  auto no_time = batch;
  no_time[0].entry.time_ms = -1;
  EXPECT_TRUE(refused(no_time, {}, from, to));
  no_time[0].entry.time_ms = INT64_MAX;
  EXPECT_TRUE(refused(no_time, {}, from, to));
  auto many_days = scribe_.place(100);
  for (std::size_t i = 0; i < many_days.size(); ++i) {
    many_days[i].entry.time_ms += static_cast<std::int64_t>(i) * kDayMs;
  }
  EXPECT_TRUE(refused(many_days, {}, to, scribe_.cursor()));
  EXPECT_EQ(number("SELECT count(*) FROM entries"), 10);
  EXPECT_TRUE(archive_->append(batch, {}, from, to).ok());
}

TEST_F(ArchiveWriter, EpochsBeginWithinABatchAndAfterIt) {
  const auto first = scribe_.begin_epoch(0);
  auto batch = scribe_.place(10);
  const auto second = scribe_.begin_epoch(7);
  const auto third = scribe_.begin_epoch(6);
  const auto more = scribe_.place(5);
  batch.insert(batch.end(), more.begin(), more.end());
  const auto fourth = scribe_.begin_epoch();
  ASSERT_TRUE(append(batch, {first, second, third, fourth}).ok());
  EXPECT_EQ(number("SELECT count(*) FROM entries"), 15);
  EXPECT_EQ(number("SELECT count(*) FROM entries WHERE epoch = 3 AND entry BETWEEN 7 AND 11"), 5);
  EXPECT_EQ(number("SELECT base FROM epochs WHERE epoch = 3"), 6);
  EXPECT_EQ(number("SELECT base_digest FROM epochs WHERE epoch = 4"),
            static_cast<std::int64_t>(scribe_.cursor().digest));
  EXPECT_EQ(must(archive_->cursor()), (Cursor{{4, 11}, fourth.base_digest}));
}

TEST_F(ArchiveWriter, DaysHaveTheirPartitionsAndTwoAreMadeAhead) {
  const auto partitions = [&] {
    auto connection = connect();
    const auto rows = must(connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'entries'::regclass"));
    std::set<std::string> names;
    for (std::size_t row = 0; row < rows.size(); ++row) names.emplace(rows.bytes(row, 0));
    return names;
  };
  fill(5);
  EXPECT_EQ(partitions(),
            (std::set<std::string>{"entries_20260101", "entries_20260102", "entries_20260103"}));
  // The first entry of 2026-01-02 and the last of the day before, in one batch.
  scribe_.pass(Scribe::kStartMs + kDayMs - 1 - scribe_.time_ms());
  auto batch = std::vector{scribe_.place(1, 1, 1, 1, "a")};
  scribe_.pass(1);
  batch.push_back(scribe_.place(1, 1, 1, 1, "a"));
  ASSERT_TRUE(append(batch).ok());
  EXPECT_EQ(number("SELECT count(*) FROM entries_20260101"), 6);
  EXPECT_EQ(number("SELECT count(*) FROM entries_20260102"), 1);
  // A leap day, after a long time of nothing.
  scribe_.pass(789 * kDayMs);
  ASSERT_TRUE(append(scribe_.place(1)).ok());
  EXPECT_EQ(number("SELECT count(*) FROM entries_20280301"), 1);
  EXPECT_EQ(partitions().size(), 7U);
  EXPECT_EQ(partition_name(day_of(1'709'164'800'000)), "entries_20240229");

  // An operator detached a day and another one is gone: the next try makes them again.
  change("ALTER TABLE entries DETACH PARTITION entries_20280302; DROP TABLE entries_20280303");
  scribe_.pass(kDayMs);
  auto next = scribe_.place(1);
  scribe_.pass(kDayMs);
  next.push_back(scribe_.place());
  EXPECT_EQ(append(next).error().kind, Failed::refused);
  ASSERT_TRUE(append(next).ok());
  EXPECT_EQ(number("SELECT count(*) FROM entries_20280302"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM entries_20280303"), 1);
}

TEST_F(ArchiveWriter, MakesPartitionsWhileSomebodyReads) {
  fill(5);
  auto reader = connect();
  auto reading = must(postgres::Transaction::begin(reader));
  must(reader.execute("SELECT count(*) FROM entries"));  // as a backup does, for hours
  scribe_.pass(30 * kDayMs);
  EXPECT_TRUE(append(scribe_.place(5)).ok());
  must(reading.commit());
}

TEST_F(ArchiveWriter, KeepsTheNewestBoardsAndFindsTheLastThatIsNotVoid) {
  EXPECT_FALSE(must(archive_->newest_board()).has_value());
  fill(10);
  const auto put = [&] {
    return archive_->put_board(scribe_.cursor().position, scribe_.cursor().digest, scribe_.board());
  };
  std::vector<canvas::StandingBoard> boards;
  for (int i = 0; i < 5; ++i) {
    must(append(scribe_.place(10)));
    ASSERT_TRUE(put().ok());
    ASSERT_TRUE(put().ok()) << "once more changes nothing";
    boards.push_back({scribe_.cursor(), scribe_.board()});
  }
  EXPECT_EQ(number("SELECT count(*) FROM boards"), 3);
  const auto newest_is = [&](const canvas::StandingBoard& board) {
    const auto newest = must(archive_->newest_board());
    return newest && newest->board == board.board && newest->at == board.at;
  };
  EXPECT_TRUE(newest_is(boards[4]));

  const auto ahead = scribe_.place(1);
  EXPECT_EQ(put().error().kind, Failed::misused) << "not archived yet";
  must(append(ahead));

  must(append({}, {scribe_.begin_epoch(45)}));
  EXPECT_TRUE(newest_is(boards[2])) << "the later ones stand beyond the base";
  must(append(scribe_.place(1)));
  ASSERT_TRUE(put().ok());
  EXPECT_TRUE(newest_is({{{2, 46}, scribe_.cursor().digest}, scribe_.board()}));
}

TEST_F(ArchiveWriter, OneLeadsUntilItsConnectionEnds) {
  Archive other = open();
  EXPECT_TRUE(must(archive_->try_lead()));
  EXPECT_TRUE(must(archive_->try_lead()));
  EXPECT_FALSE(must(other.try_lead()));
  archive_.reset();
  while (!must(other.try_lead())) std::this_thread::yield();
}

}  // namespace
}  // namespace archive
