// What every journal must do. An implementation includes this file in one source file and
// instantiates JournalContract with a Kind that can make it:
//
//     INSTANTIATE_TEST_SUITE_P(Embedded, JournalContract, testing::Values(Kind{…}), kind_name);
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "canvas/digest.hpp"
#include "tests/contract/backend.hpp"
#include "tests/contract/running_journal.hpp"

namespace contract {

class JournalContract : public testing::TestWithParam<Kind> {
 protected:
  [[nodiscard]] std::unique_ptr<RunningJournal> open(const Settings& settings = {}) {
    return std::make_unique<RunningJournal>(backend->open(settings));
  }

  std::unique_ptr<Backend> backend = GetParam().make();
};

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kNoon = 1'790'000'000'000;

// --- Entries --------------------------------------------------------------------------------

TEST_P(JournalContract, StartsEmptyAndBlank) {
  auto journal = open();
  const auto& start = journal->start();
  EXPECT_EQ(start.board, canvas::Board(canvas::Size{32, 16}, 9));
  EXPECT_EQ(start.position.offset, 0U);
  EXPECT_GT(start.position.epoch, 0U);
  EXPECT_LT(start.position.epoch, std::uint64_t{1} << 53);
  EXPECT_EQ(start.digest, 0U);
  EXPECT_TRUE(start.tail.empty());
  EXPECT_TRUE((*journal)->health().writable);
}

TEST_P(JournalContract, AnAcceptedOperationIsTheEntryItsAnswerNames) {
  auto journal = open();
  const auto accepted = journal->accept(place(7, 1, 30, 15, 12));
  EXPECT_EQ(accepted.position, (canvas::Position{journal->start().position.epoch, 1}));
  ASSERT_EQ(journal->committed().size(), 1U);
  const auto entry = journal->committed().front();
  EXPECT_EQ(entry.offset, 1U);
  EXPECT_EQ(entry.person, base::PersonId{7});
  EXPECT_EQ(entry.x, 30);
  EXPECT_EQ(entry.y, 15);
  EXPECT_EQ(entry.color, 12);
}

TEST_P(JournalContract, OffsetsHaveNoGapsAndTimesNeverDecreaseUnderManyThreads) {
  auto journal = open();
  std::vector<std::jthread> threads;
  for (std::int64_t person = 1; person <= 8; ++person) {
    threads.emplace_back([&, person] {
      for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) {
        journal->append(place(person, sequence, static_cast<std::uint16_t>(sequence % 32)));
      }
    });
  }
  threads.clear();
  (*journal)->stop();
  const auto entries = journal->committed();
  ASSERT_EQ(entries.size(), 1600U);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSERT_EQ(entries[i].offset, i + 1);
    ASSERT_GE(entries[i].time_ms, entries[i == 0 ? 0 : i - 1].time_ms);
  }
}

TEST_P(JournalContract, DigestsAreThoseOfTheSpecification) {
  auto journal = open();
  for (std::uint64_t sequence = 1; sequence <= 50; ++sequence) {
    journal->accept(place(-3, sequence, static_cast<std::uint16_t>(sequence % 32)));
  }
  std::uint64_t digest = 0;
  for (const auto& entry : journal->committed()) {
    digest = canvas::next_digest(digest, entry);
    ASSERT_EQ(entry.digest, digest);
  }
}

TEST_P(JournalContract, AnEntryIsCommittedBeforeItsOperationIsAnswered) {
  std::atomic<std::uint64_t> committed = 0;
  RunningJournal journal(backend->open({}), [&](std::span<const canvas::Entry> entries) {
    committed = entries.back().offset;
  });
  std::atomic<int> too_early = 0;
  for (std::uint64_t sequence = 1; sequence <= 500; ++sequence) {
    journal->append(place(1, sequence), [&](const canvas::Answer& answer) {
      if (std::get<canvas::Accepted>(answer).position.offset > committed) ++too_early;
    });
  }
  journal->stop();
  EXPECT_EQ(committed, 500U);
  EXPECT_EQ(too_early, 0);
}

TEST_P(JournalContract, OperationsOfOneThreadKeepTheirOrder) {
  auto journal = open();
  std::vector<std::jthread> threads;
  for (std::int64_t person = 1; person <= 4; ++person) {
    threads.emplace_back([&, person] {
      for (std::uint16_t i = 0; i < 300; ++i) {
        journal->append(place(person, i + 1, i % 32, static_cast<std::uint16_t>(i / 32)));
      }
    });
  }
  threads.clear();
  (*journal)->stop();
  std::map<base::PersonId, std::uint16_t> next;
  for (const auto& entry : journal->committed()) {
    const std::uint16_t i = next[entry.person]++;
    ASSERT_EQ(entry.y * 32 + entry.x, i) << "person " << base::number(entry.person);
  }
  EXPECT_EQ(next.size(), 4U);
}

// --- Exactly once ---------------------------------------------------------------------------

TEST_P(JournalContract, ARepeatedOperationGetsItsFirstAnswer) {
  auto journal = open({.rules = {.cooldown_ms = 60'000, .charges_max = 5}});
  const auto first = journal->accept(place(1, 1));
  const auto second = journal->accept(place(1, 2));
  EXPECT_EQ(journal->accept(place(1, 1)), first);
  EXPECT_EQ(journal->accept(place(1, 2)), second);
  EXPECT_EQ(journal->committed().size(), 2U);
}

TEST_P(JournalContract, RepeatsThatArriveTogetherAreOneEntry) {
  auto journal = open();
  std::vector<std::future<canvas::Answer>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(journal->append(place(1, 1)));
  const auto first = std::get<canvas::Accepted>(wait(std::move(answers.front())));
  for (std::size_t i = 1; i < answers.size(); ++i) {
    EXPECT_EQ(std::get<canvas::Accepted>(wait(std::move(answers[i]))), first);
  }
  EXPECT_EQ(journal->committed().size(), 1U);
}

TEST_P(JournalContract, ARepeatedOperationGetsItsFirstAnswerAfterARestart) {
  const Settings settings{.rules = {.cooldown_ms = 60'000, .charges_max = 5}};
  auto journal = open(settings);
  journal->accept(place(1, 1));
  const auto first = journal->accept(place(1, 2));
  journal.reset();
  journal = open(settings);
  EXPECT_EQ(journal->accept(place(1, 2)), first);
  EXPECT_TRUE(journal->committed().empty());
  EXPECT_EQ(journal->charges(1).left, 3U);
}

TEST_P(JournalContract, TheLastEightAnswersOfAProducerAreRemembered) {
  static_assert(base::limits::kProducerWindow == 8);
  auto journal = open();
  std::vector<canvas::Accepted> first;
  for (std::uint64_t sequence = 1; sequence <= 9; ++sequence) {
    first.push_back(journal->accept(place(1, sequence)));
  }
  for (std::uint64_t sequence = 2; sequence <= 9; ++sequence) {
    EXPECT_EQ(journal->accept(place(1, sequence)), first[sequence - 1]);
  }
  EXPECT_EQ(refusal(journal->ask(place(1, 1))), canvas::Refusal::stale);
}

TEST_P(JournalContract, AnOldSequenceThatWasNeverAcceptedIsStale) {
  auto journal = open();
  journal->accept(place(1, 5));
  EXPECT_EQ(refusal(journal->ask(place(1, 4))), canvas::Refusal::stale);
  EXPECT_EQ(journal->committed().size(), 1U);
}

TEST_P(JournalContract, ProducersAreTheirPersonsOwn) {
  auto journal = open();
  auto operation = place(1, 5);
  journal->accept(operation);
  operation.person = base::PersonId{2};
  operation.sequence = 1;
  EXPECT_EQ(journal->accept(operation).position.offset, 2U);
  operation.producer = base::ProducerId{0xFFFF'FFFF'FFFF'FFFF};
  EXPECT_EQ(journal->accept(operation).position.offset, 3U);
  EXPECT_EQ(journal->accept(operation).position.offset, 3U);
}

TEST_P(JournalContract, ARefusalIsNotRemembered) {
  auto journal = open({.rules = {.frozen = true}});
  EXPECT_EQ(refusal(journal->ask(place(1, 1))), canvas::Refusal::frozen);
  journal.reset();
  journal = open();
  EXPECT_EQ(journal->accept(place(1, 1)).position.offset, 1U);
}

// --- Rules ----------------------------------------------------------------------------------

TEST_P(JournalContract, APersonAskingFromManyThreadsGetsExactlyTheirCharges) {
  auto journal = open({.rules = {.cooldown_ms = 3'600'000, .charges_max = 7}});
  std::atomic<int> accepted = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::uint64_t sequence = 1; sequence <= 25; ++sequence) {
          auto operation = place(1, sequence);
          operation.producer = base::ProducerId{thread + 1};
          const auto answer = journal->ask(operation);
          if (is_accepted(answer)) ++accepted;
          if (refusal(answer) == canvas::Refusal::cooldown) ++refused;
        }
      });
    }
  }
  EXPECT_EQ(accepted, 7);
  EXPECT_EQ(refused, 8 * 25 - 7);
  EXPECT_EQ(journal->committed().size(), 7U);
}

TEST_P(JournalContract, AnswersCountTheChargesDown) {
  auto journal = open({.rules = {.cooldown_ms = 3'600'000, .charges_max = 3}});
  EXPECT_EQ(journal->charges(1), (canvas::Charges{3, 0}));
  for (std::uint32_t left = 2; left + 1 > 0; --left) {
    const auto charges = journal->accept(place(1, 3 - left)).charges;
    EXPECT_EQ(charges.left, left);
    EXPECT_GT(charges.next_charge_ms, 3'500'000U);
    EXPECT_LE(charges.next_charge_ms, 3'600'000U);
  }
  const auto refused = std::get<canvas::Refused>(journal->ask(place(1, 4)));
  EXPECT_EQ(refused.reason, canvas::Refusal::cooldown);
  EXPECT_EQ(refused.charges.left, 0U);
  EXPECT_GT(refused.wait_ms, 3'500'000U);
  EXPECT_LE(refused.wait_ms, 3'600'000U);
  EXPECT_EQ(journal->charges(1).left, 0U);
  EXPECT_EQ(journal->charges(2).left, 3U) << "everyone has their own";
}

TEST_P(JournalContract, ChargesOutliveARestart) {
  const Settings settings{.rules = {.cooldown_ms = 3'600'000, .charges_max = 2}};
  auto journal = open(settings);
  journal->accept(place(1, 1));
  journal->accept(place(1, 2));
  journal.reset();
  journal = open(settings);
  EXPECT_EQ(journal->charges(1).left, 0U);
  EXPECT_EQ(refusal(journal->ask(place(1, 3))), canvas::Refusal::cooldown);
  EXPECT_TRUE(is_accepted(journal->ask(place(2, 1))));
}

TEST_P(JournalContract, AFrozenCanvasTakesNothingButRepeats) {
  auto journal = open();
  const auto first = journal->accept(place(1, 1));
  journal.reset();
  journal = open({.rules = {.cooldown_ms = 0, .charges_max = 5, .frozen = true}});
  EXPECT_TRUE((*journal)->rules().frozen);
  EXPECT_EQ(refusal(journal->ask(place(1, 2))), canvas::Refusal::frozen);
  EXPECT_EQ(journal->accept(place(1, 1)), first);
  EXPECT_TRUE(journal->committed().empty());
}

TEST_P(JournalContract, OtherRulesHoldFromTheNextStart) {
  auto journal = open({.rules = {.cooldown_ms = 3'600'000, .charges_max = 1}});
  journal->accept(place(1, 1));
  EXPECT_EQ(refusal(journal->ask(place(1, 2))), canvas::Refusal::cooldown);
  journal.reset();
  journal = open({.rules = {.cooldown_ms = 3'600'000, .charges_max = 2}});
  EXPECT_EQ(journal->charges(1).left, 1U);
  EXPECT_TRUE(is_accepted(journal->ask(place(1, 2))));
  EXPECT_EQ(refusal(journal->ask(place(1, 3))), canvas::Refusal::cooldown);
  journal.reset();
  journal = open({.rules = {.cooldown_ms = 0, .charges_max = 1}});
  EXPECT_TRUE(is_accepted(journal->ask(place(1, 3))));
}

TEST_P(JournalContract, ChargesComeBackWithTime) {
  if (!backend->set_clock(kNoon)) GTEST_SKIP() << "this journal's clock cannot be set";
  auto journal = open({.rules = {.cooldown_ms = 5'000, .charges_max = 1}});
  journal->accept(place(1, 1));
  backend->set_clock(kNoon + 4'999);
  EXPECT_EQ(std::get<canvas::Refused>(journal->ask(place(1, 2))).wait_ms, 1U);
  backend->set_clock(kNoon + 5'000);
  EXPECT_TRUE(is_accepted(journal->ask(place(1, 2))));
}

TEST_P(JournalContract, AClockSetBackBetweenRunsChangesNothing) {
  if (!backend->set_clock(kNoon)) GTEST_SKIP() << "this journal's clock cannot be set";
  const Settings settings{.rules = {.cooldown_ms = 5'000, .charges_max = 1}};
  auto journal = open(settings);
  journal->accept(place(1, 1));
  const auto epoch = journal->start().position.epoch;
  journal.reset();
  backend->set_clock(kNoon - kHourMs);
  journal = open(settings);
  EXPECT_EQ(journal->start().position.epoch, epoch);
  EXPECT_EQ(journal->charges(1), (canvas::Charges{0, 5'000}));
  backend->set_clock(kNoon - kHourMs + 5'000);
  EXPECT_TRUE(is_accepted(journal->ask(place(1, 2)))) << "time goes on from the last entry";
  EXPECT_EQ(journal->committed().front().time_ms, kNoon + 5'000);
}

// --- Starting again ------------------------------------------------------------------------

TEST_P(JournalContract, ARestartFindsTheBoardThePositionTheDigestAndTheTail) {
  auto journal = open();
  const auto epoch = journal->start().position.epoch;
  canvas::Board board(canvas::Size{32, 16}, 9);
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence) {
    journal->accept(place(1, sequence, static_cast<std::uint16_t>(sequence * 7 % 32),
                          static_cast<std::uint16_t>(sequence * 5 % 16),
                          static_cast<std::uint8_t>(sequence % 32)));
  }
  const auto entries = journal->committed();
  for (const auto& entry : entries) board.apply(entry);
  journal.reset();

  for (int restarts = 0; restarts < 2; ++restarts) {
    journal = open();
    const auto& start = journal->start();
    EXPECT_EQ(start.position, (canvas::Position{epoch, 100}));
    EXPECT_EQ(start.digest, entries.back().digest);
    EXPECT_EQ(start.board, board);
    EXPECT_EQ(start.tail, entries);
    journal.reset();
  }
  EXPECT_EQ(open()->accept(place(1, 101)).position, (canvas::Position{epoch, 101}));
}

TEST_P(JournalContract, StopAnswersEverythingAppendedAndMakesItDurable) {
  auto journal = open();
  std::vector<std::future<canvas::Answer>> answers;
  for (std::uint64_t sequence = 1; sequence <= 1'000; ++sequence) {
    answers.push_back(journal->append(place(1, sequence)));
  }
  (*journal)->stop();
  for (auto& answer : answers) {
    ASSERT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_TRUE(is_accepted(answer.get()));
  }
  journal.reset();
  EXPECT_EQ(open()->start().position.offset, 1'000U);
}

TEST_P(JournalContract, AStoppedJournalRefusesAndStopsAgain) {
  auto journal = open();
  (*journal)->stop();
  EXPECT_EQ(refusal(journal->ask(place(1, 1))), canvas::Refusal::unavailable);
  EXPECT_FALSE((*journal)->health().writable);
  std::promise<bool> failed;
  (*journal)->charges(base::PersonId{1}, [&](auto result) { failed.set_value(!result); });
  EXPECT_TRUE(wait(failed.get_future()));
  (*journal)->stop();
}

// --- History and limits --------------------------------------------------------------------

TEST_P(JournalContract, APixelsHistoryIsNewestFirstWithNames) {
  auto journal = open();
  journal->accept(place(1, 1, 4, 4, 10));
  journal->accept(place(2, 1, 5, 4, 11));
  journal->accept(place(2, 2, 4, 4, 12));
  auto renamed = place(1, 2, 4, 4, 13);
  renamed.name = "Ünïcode 🎨";
  journal->accept(renamed);

  const auto history = journal->history(4, 4);
  const auto entries = journal->committed();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[0].entry, entries[3]);
  EXPECT_EQ(history[0].name, "Ünïcode 🎨");
  EXPECT_EQ(history[1].entry, entries[2]);
  EXPECT_EQ(history[1].name, "person 2");
  EXPECT_EQ(history[2].entry, entries[0]);
  EXPECT_EQ(history[2].name, "Ünïcode 🎨") << "the name as of the last accepted placement";
  EXPECT_TRUE(journal->history(6, 6).empty());
}

TEST_P(JournalContract, APixelsHistoryIsBoundedAndOutlivesARestart) {
  auto journal = open();
  for (std::uint64_t sequence = 1; sequence <= 120; ++sequence) {
    journal->accept(place(1, sequence, 4, 4));
  }
  journal.reset();
  journal = open();
  journal->accept(place(1, 121, 4, 4));
  const auto history = journal->history(4, 4, 3);
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[0].entry.offset, 121U);
  EXPECT_EQ(history[2].entry.offset, 119U);
  EXPECT_EQ(journal->history(4, 4, 1'000).size(), base::limits::kHistoryRowsMax);
}

TEST_P(JournalContract, WhatDoesNotFitTheQueueIsAnsweredBusyAtOnce) {
  std::promise<void> release;
  auto released = release.get_future().share();
  std::promise<void> held;
  std::atomic<bool> first = true;
  RunningJournal journal(backend->open({}), [&](std::span<const canvas::Entry>) {
    if (first.exchange(false)) {
      held.set_value();
      released.wait();
    }
  });
  auto blocking = journal.append(place(1, 1));
  wait(held.get_future());  // the journal is in our callback: nothing leaves the queue

  std::vector<std::future<canvas::Answer>> answers;
  const std::size_t appended = base::limits::kJournalQueueMax + 100;
  for (std::uint64_t i = 0; i < appended; ++i) answers.push_back(journal.append(place(1, i + 2)));
  EXPECT_EQ(refusal(wait(std::move(answers.back()))), canvas::Refusal::busy);
  answers.pop_back();
  release.set_value();

  EXPECT_TRUE(is_accepted(wait(std::move(blocking))));
  std::size_t accepted = 1;
  std::size_t busy = 1;
  for (auto& future : answers) {
    const auto answer = wait(std::move(future));
    if (is_accepted(answer)) ++accepted;
    if (refusal(answer) == canvas::Refusal::busy) ++busy;
  }
  EXPECT_EQ(accepted + busy, appended + 1);
  EXPECT_EQ(journal.committed().size(), accepted);
  EXPECT_GE(busy, 100U);
}

}  // namespace contract
