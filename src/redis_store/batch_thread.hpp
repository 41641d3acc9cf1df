// The thread of a store over Redis: operations gather, from any thread, while the batch before them
// is being written.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/gathered.hpp"
#include "base/health.hpp"
#include "redis/scope.hpp"

namespace redis_store {

// What was certainly not applied is tried again for so long.
inline constexpr std::int64_t kRetryForMs = 2'000;

/// A store owns one and stops it before anything that runs on it ends.
template <class Operation, class OnAnswer, class Refused>
class BatchThread {
 public:
  template <class T = void>
  using Task = boost::asio::awaitable<T>;
  using Batch = base::Gathered<Operation, OnAnswer>;

  struct Options {
    std::size_t queue_max = 0;
    std::size_t batch_max = 0;
    Refused busy;         // the answer when the queue is full
    Refused unavailable;  // when nothing can be written now
  };

  /// What runs on the thread.
  struct Work {
    std::function<Task<>()> link;        // until stop_link
    std::function<void()> stop_link;     // when everything is answered
    std::function<Task<>(Batch)> write;  // writes one batch and answers it; one after the other
    std::function<void(const std::string& bug)> on_fatal;
  };

  explicit BatchThread(Options options) : options_(std::move(options)), io_(1), gathered_(io_) {}

  /// For whoever else works on the thread.
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  /// Waits until operations can be written, but no longer than `wait`. Once.
  void start(Work work, std::chrono::milliseconds wait) {
    work_ = std::move(work);
    std::unique_lock lock(mutex_);
    serving_ = true;
    health_ = {false, "not connected to Redis yet"};
    thread_ = std::thread([this] { run_all(); });
    writable_.wait_for(lock, wait, [this] { return health_.writable; });
  }

  /// Whether operations can be written, and if not, why. On the thread.
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

  /// Runs the coroutine that `make` makes on the thread, unless nothing can be asked of Redis now.
  /// Thread-safe.
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

  /// Writes what was taken and ends the thread. Idempotent, thread-safe.
  void stop() {
    const std::lock_guard one_at_a_time(stop_mutex_);
    {
      const std::lock_guard lock(mutex_);
      serving_ = false;
      health_ = {false, "stopped"};
    }
    if (!thread_.joinable()) return;
    boost::asio::post(io_, [this] {
      stopping_ = true;
      give_up_at_ = Clock::now() + kStopWithin;
      gathered_.cancel();
    });
    thread_.join();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kRetryEvery{20};
  // How long stop() goes on asking what became of operations whose outcome is unknown.
  static constexpr std::chrono::milliseconds kStopWithin{3'000};

  void run_all() {
    const auto rethrow = [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    };
    try {
      boost::asio::co_spawn(io_, work_.link(), rethrow);
      boost::asio::co_spawn(io_, write_all(), rethrow);
      io_.run();
    } catch (const std::exception& bug) {
      work_.on_fatal(bug.what());
    }
  }

  Batch take() {
    const std::lock_guard lock(mutex_);
    return queue_.take(options_.batch_max);
  }

  Task<> write_all() {
    while (true) {
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

  // The thread's own.
  boost::asio::io_context io_;
  boost::asio::steady_timer gathered_;  // cancelled when there is something to write
  bool stopping_ = false;
  Clock::time_point give_up_at_ = Clock::time_point::max();
  std::thread thread_;
};

}  // namespace redis_store
