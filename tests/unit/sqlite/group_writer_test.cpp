// Group commit: what gathers while a batch is written, and what becomes of it when writing fails.
#include "sqlite/group_writer.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

namespace sqlite {
namespace {

constexpr std::chrono::seconds kPatience{30};

struct Job {
  int number = 0;
};
using Writer = GroupWriter<Job>;

/// A writer whose work is recorded; the first batch waits until it is let go.
class GroupWriterTest : public testing::Test {
 protected:
  Writer::Work work() {
    return {.write = [this](std::span<Job> batch) { return write(batch); },
            .probe =
                [this] {
                  if (refuses) throw refusal();
                  ++probes;
                },
            .finish = [this] { finished = true; },
            .fail = [this](Job& job) { failed.push_back(job.number); },
            .on_fatal = [this](const std::string& why) { fatal.set_value(why); }};
  }

  bool write(std::span<Job> batch) {
    if (sizes.empty()) {
      begun.set_value();
      go.get_future().wait();
    }
    sizes.push_back(batch.size());
    if (breaks) throw std::runtime_error("the disk is on fire");
    if (refuses) throw refusal();
    for (const Job& job : batch) written.push_back(job.number);
    return true;
  }

  static Failure refusal() { return {SQLITE_FULL, 0, "no room"}; }

  Queued put(int number) {
    Job job{number};
    return writer->put(job);
  }
  void put(int first, int last) {
    for (int i = first; i <= last; ++i) EXPECT_EQ(put(i), Queued::yes);
  }
  /// The first job is being written from then on.
  void start() {
    writer->start();
    put(1, 1);
    ASSERT_EQ(begun.get_future().wait_for(kPatience), std::future_status::ready);
  }

  std::promise<void> begun;
  std::promise<void> go;
  std::promise<std::string> fatal;
  std::atomic<bool> refuses = false;
  std::atomic<bool> breaks = false;
  std::atomic<int> probes = 0;
  std::atomic<bool> finished = false;
  std::vector<std::size_t> sizes;  // of the batches
  std::vector<int> written;
  std::vector<int> failed;
  std::unique_ptr<Writer> writer = std::make_unique<Writer>(5, 3, work());
};

TEST_F(GroupWriterTest, WhatComesWhileABatchIsWrittenIsTheNextOnes) {
  start();
  put(2, 6);
  go.set_value();
  writer->stop();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 3, 2})) << "of three at most";
  EXPECT_EQ(written, (std::vector{1, 2, 3, 4, 5, 6})) << "in order";
  EXPECT_TRUE(finished);
}

TEST_F(GroupWriterTest, TheQueueIsBounded) {
  start();
  put(2, 6);
  EXPECT_EQ(put(7), Queued::full);
  go.set_value();
  writer->stop();
  EXPECT_EQ(written.size(), 6U);
}

TEST_F(GroupWriterTest, TakesNothingBeforeItIsStartedAndAfterItWasStopped) {
  EXPECT_EQ(put(1), Queued::closed);
  EXPECT_FALSE(writer->health().writable);
  go.set_value();
  start();
  EXPECT_TRUE(writer->health().writable);
  writer->stop();
  EXPECT_EQ(put(2), Queued::closed);
  EXPECT_EQ(writer->health().detail, "stopped");
  writer->stop();
}

TEST_F(GroupWriterTest, WhatCannotBeWrittenFailsAndIsProbedForUntilItWorksAgain) {
  refuses = true;
  go.set_value();
  start();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (writer->health().writable && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_EQ(writer->health().detail, "disk full");
  refuses = false;
  while (!writer->health().writable && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(writer->health().writable);
  EXPECT_GE(probes, 1);
  writer->stop();
  EXPECT_EQ(failed, std::vector{1});
}

TEST_F(GroupWriterTest, AnUnknownOutcomeEndsItAndFailsOnlyWhatWaits) {
  breaks = true;
  start();
  put(2, 3);
  go.set_value();
  auto why = fatal.get_future();
  ASSERT_EQ(why.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(why.get(), "the disk is on fire");
  writer->stop();
  EXPECT_EQ(failed, (std::vector{2, 3})) << "what was being written stays unknown";
  EXPECT_TRUE(written.empty());
  EXPECT_FALSE(finished);
  EXPECT_EQ(put(4), Queued::closed);
}

}  // namespace
}  // namespace sqlite
