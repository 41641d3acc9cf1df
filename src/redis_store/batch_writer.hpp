// Writes what a store over Redis is given, in batches: operations gather, from any thread, while
// the batch before them is being written and, if asked for, until as many have come as that had.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/gathered.hpp"
#include "base/health.hpp"
#include "redis/scope.hpp"

namespace redis_store {

// What was certainly not applied is tried again for so long.
inline constexpr std::int64_t kRetryForMs = 2'000;

/// Works on a loop of one thread. A store owns one and stops it before anything that runs on it
/// ends.
template <class Operation, class OnAnswer, class Refused>
class BatchWriter {
 public:
  template <class T = void>
  using Task = boost::asio::awaitable<T>;
  using Batch = base::Gathered<Operation, OnAnswer>;

  struct Options {
    std::size_t queue_max = 0;
    std::size_t batch_max = 0;
    Refused busy;                             // the answer when the queue is full
    Refused unavailable;                      // when nothing can be written now
    std::chrono::milliseconds gather_max{0};  // how long a batch waits for more operations
  };

  /// What runs on the loop.
  struct Work {
    std::function<void()> make_link;     // first
    std::function<Task<>()> link;        // until stop_link
    std::function<void()> stop_link;     // when everything is answered
    std::function<Task<>(Batch)> write;  // writes one batch and answers it; one after the other
  };

  /// `io` runs as long as the writer lives.
  BatchWriter(boost::asio::io_context& io, Options options)
      : options_(std::move(options)), io_(io), gathered_(io) {}

  /// For whoever else works on the loop.
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  /// Waits until operations can be written, but no longer than `wait`. Once. Throws what make_link
  /// throws: then nothing was started.
  void start(Work work, std::chrono::milliseconds wait) {
    work_ = std::move(work);
    {
      const std::lock_guard lock(mutex_);
      serving_ = true;
      health_ = {false, "not connected to Redis yet"};
    }
    // On the loop: a link begins to work at once, but not before it is made.
    boost::asio::post(io_, boost::asio::use_future([this] { work_.make_link(); })).get();
    link_ended_ = spawn(work_.link());
    writes_ended_ = spawn(write_all());
    std::unique_lock lock(mutex_);
    writable_.wait_for(lock, wait, [this] { return health_.writable; });
  }

  /// Whether operations can be written, and if not, why. On the loop.
  void set_usable(bool usable, const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (serving_) health_ = {usable, usable ? "ok" : why};
    writable_.notify_one();
  }

  [[nodiscard]] base::Health health() const {
    const std::lock_guard lock(mutex_);
    return health_;
  }

  /// Takes the operation, or refuses it here and now. Thread-safe.
  void put(Operation operation, OnAnswer on_answer) {
    const Refused* refused = &options_.unavailable;
    {
      const std::lock_guard lock(mutex_);
      if (health_.writable) {
        if (queue_.size() < options_.queue_max) {
          queue_.add(std::move(operation), std::move(on_answer));
          if (queue_.size() == wanted_) boost::asio::post(io_, [this] { gathered_.cancel(); });
          return;
        }
        refused = &options_.busy;
      }
    }
    on_answer(*refused);
  }

  /// Runs the coroutine that `make` makes on the loop, unless nothing can be asked of Redis now;
  /// the loop must end before what it uses. Thread-safe.
  template <class Make>
  [[nodiscard]] bool run(Make make) {
    const std::lock_guard lock(mutex_);
    if (!health_.writable) return false;
    boost::asio::co_spawn(io_, make(), boost::asio::detached);
    return true;
  }

  /// What was not sent yet need not wait for what became of that which was: while a batch is being
  /// written.
  void refuse_waiting() {
    Batch refused;
    {
      const std::lock_guard lock(mutex_);
      std::swap(refused, queue_);
    }
    refused.answer_all(options_.unavailable);
  }

  /// Before a batch is tried again.
  Task<> pause() {
    boost::asio::steady_timer timer(io_, kRetryEvery);
    co_await timer.async_wait(redis::kAwait);
  }

  /// Whether it has been asked for long enough, after stop(), what became of a batch.
  [[nodiscard]] bool giving_up() const { return Clock::now() > give_up_at_; }

  /// Writes what was taken and ends. Idempotent, thread-safe, not on the loop.
  void stop() {
    const std::lock_guard one_at_a_time(stop_mutex_);
    {
      const std::lock_guard lock(mutex_);
      serving_ = false;
      health_ = {false, "stopped"};
    }
    if (!writes_ended_.valid()) return;
    boost::asio::post(io_, [this] {
      stopping_ = true;
      give_up_at_ = Clock::now() + kStopWithin;
      gathered_.cancel();
    });
    writes_ended_.get();
    link_ended_.get();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kRetryEvery{20};
  // How long stop() goes on asking what became of operations whose outcome is unknown.
  static constexpr std::chrono::milliseconds kStopWithin{3'000};
  // A round reads and runs what has come to the sockets.
  static constexpr int kQuietRounds = 3;
  // Of operations that were expected and did not come, this part is not expected again.
  static constexpr std::size_t kForget = 8;

  /// What is thrown in it is a bug and leaves the loop.
  std::future<void> spawn(Task<> task) {
    const auto ended = std::make_shared<std::promise<void>>();
    boost::asio::co_spawn(io_, std::move(task), [ended](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
      ended->set_value();
    });
    return ended->get_future();
  }

  Batch take() {
    const std::lock_guard lock(mutex_);
    wanted_ = 0;  // nobody waits for any
    return queue_.take(options_.batch_max);
  }

  /// Waits until so many operations wait, or the writer stops; returns how many wait then.
  Task<std::size_t> wait_for(std::size_t wanted, Clock::time_point end) {
    while (true) {
      const auto waiting = want(wanted);
      if (waiting >= wanted || stopping_ || Clock::now() >= end) co_return waiting;
      gathered_.expires_at(end);
      co_await gathered_.async_wait(redis::kAwait);
    }
  }

  std::size_t want(std::size_t wanted) {
    const std::lock_guard lock(mutex_);
    wanted_ = wanted;
    return queue_.size();
  }

  /// Waits for so many as long as a few rounds of the loop bring some: falling asleep and being
  /// woken would take longer.
  Task<> stay_awake_for(std::size_t wanted) {
    std::size_t before = 0;
    for (int quiet = 0; quiet < kQuietRounds; ++quiet) {
      const auto waiting = want(wanted);
      if (waiting >= wanted) break;
      if (std::exchange(before, waiting) < waiting) quiet = 0;
      co_await boost::asio::post(io_, redis::kAwait);
    }
  }

  /// A batch costs Redis much more than an operation in it does, and those who were answered with
  /// the last one are about to ask again: waits for as many, but no longer than that batch took.
  Task<> gather() {
    co_await stay_awake_for(expected_);
    const auto time = std::min<Clock::duration>(last_took_, options_.gather_max);
    const auto come = co_await wait_for(expected_, Clock::now() + time);
    const auto most = std::max(come, expected_);
    expected_ = std::min(most - (most - come + kForget - 1) / kForget, options_.batch_max);
  }

  Task<> write_all() {
    while (true) {
      const auto waiting = co_await wait_for(1, Clock::time_point::max());
      if (waiting == 0) break;
      if (options_.gather_max.count() > 0) co_await gather();
      const auto begin = Clock::now();
      co_await work_.write(take());
      last_took_ = Clock::now() - begin;
    }
    work_.stop_link();
  }

  const Options options_;
  Work work_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable writable_;
  bool serving_ = false;  // between start() and stop()
  Batch queue_;
  std::size_t wanted_ = 1;  // gathered_ is cancelled when so many wait
  base::Health health_{false, "not started"};

  std::mutex stop_mutex_;  // one stop() at a time
  std::future<void> link_ended_;
  std::future<void> writes_ended_;

  // The loop's own.
  boost::asio::io_context& io_;
  boost::asio::steady_timer gathered_;
  std::size_t expected_ = 1;     // as many as the fullest of the last batches had
  Clock::duration last_took_{};  // to write the last batch
  bool stopping_ = false;
  Clock::time_point give_up_at_ = Clock::time_point::max();
};

}  // namespace redis_store
