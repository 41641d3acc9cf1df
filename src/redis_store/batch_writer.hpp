// Writes what a store over Redis is given, in batches: operations gather, from any thread, while
// the batch before them is being written, and as long as others are about to come.
#pragma once

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
    Refused busy;         // the answer when the queue is full
    Refused unavailable;  // when nothing can be written now
    std::chrono::milliseconds gather_max{2};
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
          if (queue_.size() == 1) boost::asio::post(io_, [this] { gathered_.cancel(); });
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

  /// What was not sent yet need not wait for what became of that which was.
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
  // The first runs what was ready, the next ones read and run what has come to the sockets since.
  static constexpr int kQuietRounds = 3;

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
    return queue_.take(options_.batch_max);
  }

  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

  /// Waits as long as the loop goes on bringing operations: a batch costs Redis much more than an
  /// operation in it does.
  Task<> gather() {
    const auto end = Clock::now() + options_.gather_max;
    int rounds = 0;  // without another one
    for (auto before = waiting(); rounds < kQuietRounds && Clock::now() < end; ++rounds) {
      co_await boost::asio::post(io_, redis::kAwait);
      const auto now = waiting();
      if (std::exchange(before, now) < now) rounds = -1;
      if (now >= options_.batch_max) break;
    }
  }

  Task<> write_all() {
    while (true) {
      if (waiting() > 0) co_await gather();
      Batch batch = take();
      if (!batch.empty()) {
        co_await work_.write(std::move(batch));
      } else if (stopping_) {
        break;
      } else {
        gathered_.expires_at(Clock::time_point::max());
        co_await gathered_.async_wait(redis::kAwait);
      }
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
  base::Health health_{false, "not started"};

  std::mutex stop_mutex_;  // one stop() at a time
  std::future<void> link_ended_;
  std::future<void> writes_ended_;

  // The loop's own.
  boost::asio::io_context& io_;
  boost::asio::steady_timer gathered_;  // cancelled when there is something to write
  bool stopping_ = false;
  Clock::time_point give_up_at_ = Clock::time_point::max();
};

}  // namespace redis_store
