// The embedded journal and kill -9: what was answered is there after the next start, and the board
// is what the entries add up to.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "sqlite/database.hpp"
#include "tests/contract/embedded_backend.hpp"
#include "tests/contract/running_journal.hpp"

namespace contract {
namespace {

constexpr int kPlayers = 4;

/// What the child tells its parent, once for each accepted operation.
struct Acknowledged {
  std::int64_t person;
  std::uint64_t sequence;
  std::uint64_t offset;
};

canvas::Operation random_place(std::int64_t person, std::uint64_t sequence) {
  std::minstd_rand random(static_cast<unsigned>(sequence * 31 + static_cast<unsigned>(person)));
  return place(person, sequence, random() % 32, random() % 16, random() % 32);
}

/// Appends for ever from several threads, with several operations in flight each.
[[noreturn]] void play_until_killed(const std::string& folder, std::uint64_t first_sequence,
                                    int out) {
  RunningJournal journal(journal::make_embedded(embedded_options(folder)));
  std::vector<std::jthread> players;
  for (std::int64_t person = 1; person <= kPlayers; ++person) {
    players.emplace_back([&, person] {
      for (std::uint64_t sequence = first_sequence;; sequence += 4) {
        std::vector<std::future<canvas::Answer>> answers;
        for (std::uint64_t i = 0; i < 4; ++i) {
          answers.push_back(journal.append(random_place(person, sequence + i)));
        }
        for (std::uint64_t i = 0; i < 4; ++i) {
          const auto accepted = std::get<canvas::Accepted>(wait(std::move(answers[i])));
          const Acknowledged told{person, sequence + i, accepted.position.offset};
          if (::write(out, &told, sizeof told) != sizeof told) ::_exit(1);
        }
      }
    });
  }
  players.clear();
  ::_exit(0);
}

/// Runs `child` in a process of its own with the writing end of a pipe; gives its id and the
/// reading end.
template <class Child>
std::pair<pid_t, int> start_process(Child child) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    try {
      child(ends[1]);
    } catch (...) {
    }
    ::_exit(1);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

/// The board that the stored entries add up to, and how many there are.
std::pair<canvas::Board, std::uint64_t> replay(const std::string& folder, canvas::Size size) {
  sqlite::Database database(folder + "/data/journal.db", sqlite::Database::Mode::read_write);
  sqlite::Statement all(database, "SELECT entry, x, y, color FROM entries ORDER BY entry");
  canvas::Board board(size, 9);
  std::uint64_t entries = 0;
  sqlite::Cursor row = all.query();
  while (row.next()) {
    EXPECT_EQ(row.as<std::uint64_t>(0), ++entries);
    board.set(row.as<std::uint16_t>(1), row.as<std::uint16_t>(2), row.as<std::uint8_t>(3));
  }
  return {board, entries};
}

TEST(EmbeddedCrash, WhatWasAnsweredOutlivesKill9) {
  TemporaryFolder folder;
  std::mt19937 random(7);
  std::uint64_t first_sequence = 1;
  for (int round = 0; round < 10; ++round) {
    const auto [pid, in] =
        start_process([&](int out) { play_until_killed(folder.path(), first_sequence, out); });
    // It dies in the middle of its work, after a random number of answers.
    std::vector<Acknowledged> told;
    Acknowledged one{};
    const std::size_t enough = 1 + random() % 500;
    while (told.size() < enough && ::read(in, &one, sizeof one) == sizeof one) told.push_back(one);
    ::kill(pid, SIGKILL);
    while (::read(in, &one, sizeof one) == sizeof one) told.push_back(one);
    ::close(in);
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the player ended by itself";

    const auto [board, entries] = replay(folder.path(), {32, 16});
    RunningJournal journal(journal::make_embedded(embedded_options(folder.path())));
    EXPECT_EQ(journal.start().position.offset, entries);
    EXPECT_EQ(journal.start().board, board);
    for (const auto& [person, sequence, offset] : told) {
      ASSERT_LE(offset, entries);
      const canvas::Answer again = journal.ask(random_place(person, sequence));
      if (is_accepted(again)) {  // else it is no longer among the producer's last eight
        EXPECT_EQ(std::get<canvas::Accepted>(again).position.offset, offset);
      } else {
        EXPECT_EQ(refusal(again), canvas::Refusal::stale);
      }
      first_sequence = std::max(first_sequence, sequence + 100);
    }
    EXPECT_TRUE(journal.committed().empty()) << "a repeat became an entry";
  }
}

TEST(EmbeddedCrash, ABoardBetweenTwoCheckpointsIsReplayedExactly) {
  TemporaryFolder folder;
  constexpr std::uint64_t kEntries = 2 * base::limits::kCheckpointEveryEntries + 7'777;
  const Settings settings{.size = {100, 70}};
  const auto [pid, in] = start_process([&](int out) {
    RunningJournal journal(journal::make_embedded(embedded_options(folder.path(), settings)));
    std::minstd_rand random(5);
    std::future<canvas::Answer> last;
    for (std::uint64_t sequence = 1; sequence <= kEntries; ++sequence) {
      last = journal.append(place(1, sequence, random() % 100, random() % 70, random() % 32));
      if (sequence % 1'000 == 0) last.wait();
    }
    last.wait();
    ::_exit(::write(out, "!", 1) == 1 ? 0 : 1);  // without stop(): no last checkpoint
  });
  char done = 0;
  EXPECT_EQ(::read(in, &done, 1), 1);
  ::close(in);
  ::waitpid(pid, nullptr, 0);

  const auto [board, entries] = replay(folder.path(), settings.size);
  EXPECT_EQ(entries, kEntries);
  RunningJournal journal(journal::make_embedded(embedded_options(folder.path(), settings)));
  EXPECT_EQ(journal.start().board, board);
  EXPECT_EQ(journal.start().position.offset, kEntries);
  ASSERT_EQ(journal.start().tail.size(), base::limits::kTailEntriesMax);
  EXPECT_EQ(journal.start().tail.back().offset, kEntries);
  EXPECT_EQ(journal.start().tail.front().offset, kEntries - base::limits::kTailEntriesMax + 1);

  // The heads of the pixels' histories came through as well.
  sqlite::Database database(folder.path() + "/data/journal.db", sqlite::Database::Mode::read_only);
  for (std::uint16_t x = 0; x < 100; x += 9) {
    const auto newest =
        database.number("SELECT max(entry) FROM entries WHERE y = 3 AND x = " + std::to_string(x));
    const auto history = journal.history(x, 3, 5);
    ASSERT_EQ(history.size(), 5U);
    EXPECT_EQ(history.front().entry.offset, static_cast<std::uint64_t>(newest));
    for (const auto& placement : history) {
      EXPECT_EQ(placement.entry.x, x);
      EXPECT_EQ(placement.entry.y, 3);
    }
  }
}

}  // namespace
}  // namespace contract
