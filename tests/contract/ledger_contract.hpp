// The ledger's contract: what holds for every implementation of the port. Included by the test of
// each, which says how one is opened.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "ledger/ledger.hpp"

namespace contract {

using counter::Counted;
using counter::Press;
using counter::Refusal;
using counter::Verb;

/// One stored ledger, opened as often as wanted, one at a time.
class LedgerBackend {
 public:
  virtual ~LedgerBackend() = default;
  virtual std::unique_ptr<ledger::Ledger> open() = 0;
};

struct LedgerKind {
  std::string name;
  std::function<std::unique_ptr<LedgerBackend>()> make;
};

/// A ledger under test, with everything it tells recorded.
class RunningLedger {
 public:
  explicit RunningLedger(std::unique_ptr<ledger::Ledger> ledger) : ledger_(std::move(ledger)) {
    const auto started =
        ledger_->start({.on_loaded =
                            [this](std::span<const ledger::Counter> counters) {
                              const std::lock_guard lock(mutex_);
                              counters_.assign(counters.begin(), counters.end());
                            },
                        .on_changed =
                            [this](std::span<const ledger::Counter> counters) {
                              const std::lock_guard lock(mutex_);
                              for (const auto& counter : counters) set(counter);
                            },
                        .on_batch = [](std::size_t, double) {},
                        .on_fatal = [](const std::string& why) { ADD_FAILURE() << why; }});
    if (!started) throw std::runtime_error(started.error().message);
  }
  ~RunningLedger() { ledger_->stop(); }

  ledger::Ledger* operator->() { return ledger_.get(); }

  std::future<counter::Answer> press(Press press) {
    auto promise = std::make_shared<std::promise<counter::Answer>>();
    ledger_->press(std::move(press),
                   [promise](const counter::Answer& answer) { promise->set_value(answer); });
    return promise->get_future();
  }
  counter::Answer ask(Press press) {
    auto answer = this->press(std::move(press));
    constexpr std::chrono::seconds kPatience{30};
    if (answer.wait_for(kPatience) != std::future_status::ready) {
      throw std::runtime_error("no answer");
    }
    return answer.get();
  }
  /// For presses that must be accepted; throws (and so fails the test) when one is not.
  std::int64_t value_after(Verb verb, const std::string& name = "x", const std::string& key = {}) {
    return std::get<Counted>(ask({name, verb, key})).value;
  }
  Refusal refusal(Verb verb, const std::string& name = "x", const std::string& key = {}) {
    return std::get<counter::Refused>(ask({name, verb, key})).reason;
  }

  /// What it has told, by name.
  std::vector<ledger::Counter> told() {
    const std::lock_guard lock(mutex_);
    return counters_;
  }

 private:
  void set(const ledger::Counter& counter) {
    const auto at = std::lower_bound(counters_.begin(), counters_.end(), counter,
                                     [](const auto& a, const auto& b) { return a.name < b.name; });
    if (at != counters_.end() && at->name == counter.name) {
      at->value = counter.value;
    } else {
      counters_.insert(at, counter);
    }
  }

  std::mutex mutex_;
  std::vector<ledger::Counter> counters_;
  std::unique_ptr<ledger::Ledger> ledger_;
};

class LedgerContract : public testing::TestWithParam<LedgerKind> {
 protected:
  [[nodiscard]] std::unique_ptr<RunningLedger> open() {
    return std::make_unique<RunningLedger>(backend->open());
  }
  using Counters = std::vector<ledger::Counter>;

  std::unique_ptr<LedgerBackend> backend = GetParam().make();
};

TEST_P(LedgerContract, BeginsWithNoCounters) {
  auto ledger = open();
  EXPECT_TRUE(ledger->told().empty());
  EXPECT_TRUE((*ledger)->health().writable);
}

TEST_P(LedgerContract, EveryPressIsAnsweredWithTheValueAfterIt) {
  auto ledger = open();
  EXPECT_EQ(ledger->value_after(Verb::increment), 1);
  EXPECT_EQ(ledger->value_after(Verb::increment), 2);
  EXPECT_EQ(ledger->value_after(Verb::decrement), 1);
  EXPECT_EQ(ledger->value_after(Verb::reset), 0);
  EXPECT_EQ(ledger->told(), (Counters{{"x", 0}}));
}

TEST_P(LedgerContract, NothingGoesBelowZero) {
  auto ledger = open();
  EXPECT_EQ(ledger->refusal(Verb::decrement), Refusal::at_zero);
  EXPECT_TRUE(ledger->told().empty()) << "nothing was changed";
  ledger->value_after(Verb::increment);
  ledger->value_after(Verb::decrement);
  EXPECT_EQ(ledger->refusal(Verb::decrement), Refusal::at_zero);
}

TEST_P(LedgerContract, CountersDoNotTouchEachOther) {
  auto ledger = open();
  ledger->value_after(Verb::increment, "a");
  ledger->value_after(Verb::increment, "b");
  EXPECT_EQ(ledger->value_after(Verb::increment, "b"), 2);
  EXPECT_EQ(ledger->value_after(Verb::reset, "a"), 0);
  EXPECT_EQ(ledger->told(), (Counters{{"a", 0}, {"b", 2}}));
}

TEST_P(LedgerContract, WhatWasAnsweredOutlivesARestart) {
  auto ledger = open();
  for (int i = 0; i < 5; ++i) ledger->value_after(Verb::increment, "a");
  ledger->value_after(Verb::increment, "b");
  ledger.reset();
  ledger = open();
  EXPECT_EQ(ledger->told(), (Counters{{"a", 5}, {"b", 1}}));
  EXPECT_EQ(ledger->value_after(Verb::increment, "a"), 6);
}

TEST_P(LedgerContract, IncrementsFromManyThreadsAllGetValuesOfTheirOwn) {
  constexpr int kThreads = 8;
  constexpr int kPresses = 500;
  auto ledger = open();
  std::mutex mutex;
  std::set<std::int64_t> values;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        std::vector<std::future<counter::Answer>> answers;
        for (int i = 0; i < kPresses; ++i) answers.push_back(ledger->press({"x", Verb::increment}));
        for (auto& answer : answers) {
          const auto value = std::get<Counted>(answer.get()).value;
          const std::lock_guard lock(mutex);
          values.insert(value);
        }
      });
    }
  }
  EXPECT_EQ(values.size(), std::size_t{kThreads} * kPresses) << "distinct";
  EXPECT_EQ(*values.begin(), 1);
  EXPECT_EQ(*values.rbegin(), kThreads * kPresses) << "contiguous";
}

TEST_P(LedgerContract, TheSumHoldsWhateverIsPressedAtOnce) {
  constexpr int kPresses = 2'000;
  auto ledger = open();
  std::vector<std::future<counter::Answer>> ups;
  std::vector<std::future<counter::Answer>> downs;
  for (int i = 0; i < kPresses; ++i) {
    ups.push_back(ledger->press({"x", Verb::increment}));
    downs.push_back(ledger->press({"x", Verb::decrement}));
  }
  std::int64_t value = 0;
  for (auto& answer : ups) value += std::holds_alternative<Counted>(answer.get()) ? 1 : 0;
  for (auto& answer : downs) value -= std::holds_alternative<Counted>(answer.get()) ? 1 : 0;
  EXPECT_EQ(ledger->told(), (Counters{{"x", value}}));
}

TEST_P(LedgerContract, AKeySeenBeforeGetsItsFirstAnswer) {
  auto ledger = open();
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "k"), 1);
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "other"), 2);
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "k"), 1);
  EXPECT_EQ(ledger->told(), (Counters{{"x", 2}}));
  ledger.reset();
  ledger = open();
  EXPECT_EQ(ledger->value_after(Verb::increment, "x", "k"), 1) << "also after a restart";
}

TEST_P(LedgerContract, AKeyIsCountedOnceHoweverOftenItIsAskedAtOnce) {
  auto ledger = open();
  std::vector<std::future<counter::Answer>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(ledger->press({"x", Verb::increment, "k"}));
  for (auto& answer : answers) EXPECT_EQ(std::get<Counted>(answer.get()).value, 1);
}

TEST_P(LedgerContract, ARefusalIsRememberedWithItsKey) {
  auto ledger = open();
  EXPECT_EQ(ledger->refusal(Verb::decrement, "x", "k"), Refusal::at_zero);
  ledger->value_after(Verb::increment);
  EXPECT_EQ(ledger->refusal(Verb::decrement, "x", "k"), Refusal::at_zero);
  ledger.reset();
  ledger = open();
  EXPECT_EQ(ledger->refusal(Verb::decrement, "x", "k"), Refusal::at_zero);
  EXPECT_EQ(ledger->told(), (Counters{{"x", 1}}));
}

TEST_P(LedgerContract, AKeyBelongsToOneCounterAndOneVerb) {
  auto ledger = open();
  ledger->value_after(Verb::increment, "x", "k");
  EXPECT_EQ(ledger->refusal(Verb::decrement, "x", "k"), Refusal::key_reused);
  EXPECT_EQ(ledger->refusal(Verb::increment, "y", "k"), Refusal::key_reused);
  EXPECT_EQ(ledger->told(), (Counters{{"x", 1}}));
}

TEST_P(LedgerContract, ThereAreOnlySoManyCounters) {
  auto ledger = open();
  std::vector<std::future<counter::Answer>> answers;
  for (std::size_t i = 0; i < base::limits::kCountersMax; ++i) {
    answers.push_back(ledger->press({"counter-" + std::to_string(i), Verb::increment}));
  }
  for (auto& answer : answers) EXPECT_TRUE(std::holds_alternative<Counted>(answer.get()));
  EXPECT_EQ(ledger->refusal(Verb::increment, "one-more"), Refusal::too_many_counters);
  EXPECT_EQ(ledger->value_after(Verb::increment, "counter-0"), 2);
  EXPECT_EQ(ledger->told().size(), base::limits::kCountersMax);
}

TEST_P(LedgerContract, StopAnswersEverythingAskedAndRefusesWhatComesLater) {
  auto ledger = open();
  std::vector<std::future<counter::Answer>> answers;
  for (int i = 0; i < 1'000; ++i) answers.push_back(ledger->press({"x", Verb::increment}));
  (*ledger)->stop();
  std::int64_t counted = 0;
  for (auto& answer : answers) counted += std::holds_alternative<Counted>(answer.get()) ? 1 : 0;
  EXPECT_EQ(ledger->refusal(Verb::increment), Refusal::unavailable);
  EXPECT_FALSE((*ledger)->health().writable);
  (*ledger)->stop();
  ledger.reset();
  EXPECT_EQ(open()->told(), (Counters{{"x", counted}}));
}

}  // namespace contract
