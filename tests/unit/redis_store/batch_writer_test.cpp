#include "redis_store/batch_writer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/callback.hpp"
#include "loop/event_loop.hpp"

namespace redis_store {
namespace {

namespace asio = boost::asio;
using redis::kAwait;
using Answer = base::Callback<void(const int&)>;
using Writer = BatchWriter<int, Answer, int>;
using Sizes = std::vector<std::size_t>;

constexpr int kBusy = -1;
constexpr int kUnavailable = -2;
constexpr std::size_t kQueueMax = 6;
constexpr std::size_t kBatchMax = 4;

/// As long as nothing waits for it.
constexpr std::chrono::milliseconds kLong = std::chrono::minutes(1);
/// Long enough for everything that a test does meanwhile.
constexpr std::chrono::milliseconds kAWhile{500};

/// A writer whose batches are held while somebody wants that; every operation is its own answer.
class Bench {
 public:
  explicit Bench(std::chrono::milliseconds gather_max = kLong)
      : writer_(loop_.io(), {.queue_max = kQueueMax,
                             .batch_max = kBatchMax,
                             .busy = kBusy,
                             .unavailable = kUnavailable,
                             .gather_max = gather_max}) {
    writer_.start({.make_link = [] {},
                   .link = [this] { return link(); },
                   .stop_link = [this] { stop_.cancel(); },
                   .write = [this](Writer::Batch batch) { return write(std::move(batch)); }},
                  kLong);
  }
  ~Bench() {
    release();
    writer_.stop();
  }

  Writer& writer() { return writer_; }

  /// Runs it on the loop, and waits for it.
  template <class F>
  auto on_loop(F f) {
    return asio::post(loop_.io(), asio::use_future(std::move(f))).get();
  }

  void put(int operation) {
    writer_.put(operation, [this](const int& answer) { answers_.push_back(answer); });
  }
  void put_together(int operations) {
    on_loop([=, this] {
      for (int i = 0; i < operations; ++i) put(i);
    });
  }
  /// Two operations, and between them time to write the first.
  void put_two_apart() {
    put_together(1);
    for (int i = 0; i < 10; ++i) on_loop([] {});
    put_together(1);
  }

  /// Every batch from now on is written without waiting.
  void release() {
    on_loop([this] {
      held_ = false;
      written_.cancel();
    });
  }
  void hold() {
    on_loop([this] { held_ = true; });
  }
  std::size_t batches_so_far() {
    return on_loop([this] { return sizes_.size(); });
  }
  void await_batches(std::size_t count) {
    while (batches_so_far() < count) {
    }
  }
  /// One batch of so many operations, which takes as long as said.
  void write_slowly(int operations, std::chrono::milliseconds time) {
    const auto batches = batches_so_far();
    hold();
    put_together(operations);
    await_batches(batches + 1);
    std::this_thread::sleep_for(time);
    release();
  }
  void await_answers(int count) {
    while (on_loop([this] { return answers_.size(); }) < static_cast<std::size_t>(count)) {
    }
  }
  /// Stops the writer, and returns the sizes of its batches.
  Sizes sizes() {
    release();
    writer_.stop();
    return on_loop([this] { return sizes_; });
  }
  std::vector<int> answers() {
    return on_loop([this] { return answers_; });
  }

 private:
  Writer::Task<> link() {
    writer_.set_usable(true, {});
    co_await stop_.async_wait(kAwait);
  }
  Writer::Task<> write(Writer::Batch batch) {
    sizes_.push_back(batch.size());
    while (held_) co_await written_.async_wait(kAwait);
    for (std::size_t i = 0; i < batch.size(); ++i) batch.on_answers[i](batch.operations[i]);
  }
  loop::EventLoop loop_{[](const std::string& bug) { ADD_FAILURE() << bug; }};
  asio::steady_timer stop_{loop_.io(), asio::steady_timer::time_point::max()};
  asio::steady_timer written_{loop_.io(), asio::steady_timer::time_point::max()};
  Writer writer_;

  // The loop's own.
  bool held_ = false;
  Sizes sizes_;
  std::vector<int> answers_;
};

TEST(BatchWriter, WhatComesTogetherLeavesTogether) {
  Bench bench;
  bench.put_together(3);
  EXPECT_EQ(bench.sizes(), Sizes{3});
  EXPECT_EQ(bench.answers(), (std::vector{0, 1, 2}));
}

TEST(BatchWriter, OneAloneWaitsForNobody) {
  Bench bench;
  bench.put_two_apart();
  EXPECT_EQ(bench.sizes(), (Sizes{1, 1}));
}

TEST(BatchWriter, WaitsForAsManyAsTheBatchBeforeHad) {
  Bench bench;
  bench.write_slowly(2, kAWhile);
  bench.put_two_apart();
  EXPECT_EQ(bench.sizes(), (Sizes{2, 2}));
}

TEST(BatchWriter, WaitsNoLongerThanTheBatchBeforeTook) {
  Bench bench;
  bench.write_slowly(2, std::chrono::milliseconds(20));
  bench.put_together(1);
  bench.await_answers(3);
  EXPECT_EQ(bench.sizes(), (Sizes{2, 1}));
}

TEST(BatchWriter, WaitsNoLongerThanItMay) {
  Bench bench(std::chrono::milliseconds(1));
  bench.write_slowly(2, kAWhile);
  bench.put_together(1);
  std::this_thread::sleep_for(kAWhile / 4);
  bench.put_together(1);
  EXPECT_EQ(bench.sizes(), (Sizes{2, 1, 1}));
}

TEST(BatchWriter, WaitsForNobodyUnlessAskedTo) {
  Bench bench(std::chrono::milliseconds(0));
  bench.write_slowly(2, kAWhile);
  bench.put_two_apart();
  EXPECT_EQ(bench.sizes(), (Sizes{2, 1, 1}));
}

TEST(BatchWriter, StopsWaitingForThoseThatDoNotComeAgain) {
  Bench bench;
  bench.write_slowly(2, kAWhile);
  bench.write_slowly(1, kAWhile);
  bench.put_two_apart();
  EXPECT_EQ(bench.sizes(), (Sizes{2, 1, 1, 1}));
}

TEST(BatchWriter, ABatchHasSoManyOperationsAtMost) {
  Bench bench;
  bench.put_together(kBatchMax + 1);
  EXPECT_EQ(bench.sizes(), (Sizes{kBatchMax, 1}));
}

TEST(BatchWriter, GathersWhileABatchIsBeingWritten) {
  Bench bench;
  bench.hold();
  bench.put_together(1);
  bench.await_batches(1);
  bench.put_together(kQueueMax);
  EXPECT_EQ(bench.sizes(), (Sizes{1, kBatchMax, kQueueMax - kBatchMax}));
}

TEST(BatchWriter, RefusesMoreThanTheQueueTakes) {
  Bench bench;
  bench.hold();
  bench.put_together(1);
  bench.await_batches(1);
  bench.put_together(kQueueMax + 2);
  EXPECT_EQ(bench.answers(), (std::vector{kBusy, kBusy}));
}

TEST(BatchWriter, RefusesWhatCannotBeWritten) {
  Bench bench;
  bench.on_loop([&] {
    bench.writer().set_usable(false, "no Redis");
    bench.put(1);
  });
  EXPECT_EQ(bench.answers(), std::vector{kUnavailable});
  EXPECT_EQ(bench.writer().health().detail, "no Redis");
}

TEST(BatchWriter, RefusesWhatWaitsWhenAskedTo) {
  Bench bench;
  bench.hold();
  bench.put_together(kBatchMax);
  bench.await_batches(1);
  bench.put_together(2);
  bench.on_loop([&] { bench.writer().refuse_waiting(); });
  EXPECT_EQ(bench.answers(), (std::vector{kUnavailable, kUnavailable}));
  EXPECT_EQ(bench.sizes(), Sizes{kBatchMax});
}

TEST(BatchWriter, WritesAllItHasBeforeItStops) {
  Bench bench;
  bench.put_together(kQueueMax);
  EXPECT_EQ(bench.sizes(), (Sizes{kBatchMax, kQueueMax - kBatchMax}));
  EXPECT_EQ(bench.answers().size(), kQueueMax);
  bench.put_together(1);
  EXPECT_EQ(bench.answers().back(), kUnavailable) << "after the end";
}

/// The start of a link that can never be used.
class Starting {
 public:
  /// `made` when it is made.
  void start(std::function<void(Writer&)> made) {
    writer_.start({.make_link = [this, made] { made(writer_); },
                   .link = [this]() -> Writer::Task<> { co_await stop_.async_wait(kAwait); },
                   .stop_link = [this] { stop_.cancel(); },
                   .write = [](Writer::Batch) -> Writer::Task<> { co_return; }},
                  std::chrono::milliseconds(0));
  }
  ~Starting() { writer_.stop(); }
  [[nodiscard]] std::string why() const { return writer_.health().detail; }

 private:
  loop::EventLoop loop_{[](const std::string& bug) { ADD_FAILURE() << bug; }};
  asio::steady_timer stop_{loop_.io(), asio::steady_timer::time_point::max()};
  Writer writer_{loop_.io(), {}};
};

TEST(BatchWriter, KeepsWhatALinkSaysWhileItIsBeingMade) {
  Starting starting;
  starting.start([](Writer& writer) { writer.set_usable(false, "refused"); });
  EXPECT_EQ(starting.why(), "refused");
}

TEST(BatchWriter, ThrowsWhatMakingTheLinkThrows) {
  Starting starting;
  EXPECT_THROW(starting.start([](Writer&) { throw std::runtime_error("no file"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace redis_store
