// Group commit by back-pressure: one thread makes durable what has gathered; while one batch is
// being written the next one gathers. No timers. What to write is the owner's.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/health.hpp"
#include "sqlite/database.hpp"

namespace sqlite {

enum class Queued { yes, full, closed };

/// Thread-safe. The work is done on the writer's thread, except `fail` of what still waits when the
/// writer breaks down.
template <class Job>
class GroupWriter {
 public:
  struct Work {
    /// Makes a batch durable and answers it; returns whether anything was written. When it throws
    /// a Failure, nothing of the batch was answered.
    std::function<bool(std::span<Job>)> write;
    /// Writes something to see whether that works again. Throws Failure.
    std::function<void()> probe;
    /// When all is written and no more will come. Throws Failure.
    std::function<void()> finish;
    /// Answers a job that was certainly not written.
    std::function<void(Job&)> fail;
    /// The outcome of what was being written is unknown, and the process must stop. At most once,
    /// on any thread.
    std::function<void(const std::string& why)> on_fatal;
  };

  GroupWriter(std::size_t queue_max, std::size_t batch_max, Work work)
      : queue_max_(queue_max), batch_max_(batch_max), work_(std::move(work)) {}
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;
  ~GroupWriter() { stop(); }

  /// Once.
  void start() {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::serving;
    health_ = {true, "ok"};
    thread_ = std::thread([this] { run(); });
  }

  /// Moves the job away; leaves it as it is when it is not queued.
  Queued put(Job& job) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::serving) return Queued::closed;
    if (queue_.size() >= queue_max_) return Queued::full;
    queue_.push_back(std::move(job));
    if (queue_.size() == 1) wake_.notify_one();
    return Queued::yes;
  }

  [[nodiscard]] base::Health health() const {
    const std::lock_guard lock(mutex_);
    return health_;
  }

  /// Writes what is queued, then ends the thread. Idempotent; one call at a time.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      if (phase_ == Phase::serving) {
        phase_ = Phase::stopping;
        health_ = {false, "stopped"};
      }
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  /// The work cannot go on. What is being written keeps its unknown outcome; what waits was
  /// certainly not written.
  void break_down(const std::string& why) {
    std::vector<Job> waiting;
    {
      const std::lock_guard lock(mutex_);
      if (phase_ == Phase::broken) return;
      phase_ = Phase::broken;
      health_ = {false, why};
      waiting.swap(queue_);
    }
    wake_.notify_one();
    work_.on_fatal(why);
    for (Job& job : waiting) work_.fail(job);
  }

 private:
  enum class Phase { idle, serving, stopping, broken };

  // How often to look whether a store that could not be written can be written again.
  static constexpr std::chrono::milliseconds kProbeEvery{500};

  void run() {
    try {
      std::vector<Job> taken;
      while (take(taken)) {
        if (taken.empty()) probe();
        for (std::span<Job> left = taken; !left.empty();) {
          const auto batch = left.first(std::min(left.size(), batch_max_));
          write(batch);
          left = left.subspan(batch.size());
        }
      }
      finish();
    } catch (const std::exception& error) {
      break_down(error.what());
    }
  }

  /// Waits for jobs and takes all that have gathered. None: the store could not be written and
  /// should be probed. False: all is done, stop.
  bool take(std::vector<Job>& taken) {
    taken.clear();
    std::unique_lock lock(mutex_);
    const auto something_to_do = [this] { return phase_ != Phase::serving || !queue_.empty(); };
    if (health_.writable || phase_ != Phase::serving) {
      wake_.wait(lock, something_to_do);
    } else if (!wake_.wait_for(lock, kProbeEvery, something_to_do)) {
      return true;
    }
    if (phase_ == Phase::broken || queue_.empty()) return false;
    taken.swap(queue_);
    return true;
  }

  void write(std::span<Job> batch) {
    try {
      if (work_.write(batch)) set_writable();
    } catch (const Failure& failure) {
      set_refused(failure);
      for (Job& job : batch) work_.fail(job);
    }
  }

  void probe() {
    try {
      work_.probe();
      set_writable();
    } catch (const Failure& failure) {
      set_refused(failure);
    }
  }

  void finish() {
    try {
      work_.finish();
    } catch (const Failure& failure) {
      if (!failure.write_refused()) throw;  // no room: only a longer start
    }
  }

  void set_writable() {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::serving) health_ = {true, "ok"};
  }

  /// Inside a handler of `failure`: passes on what leaves the outcome unknown.
  void set_refused(const Failure& failure) {
    if (!failure.write_refused()) throw;
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::serving) {
      health_ = {false, failure.disk_full() ? "disk full" : failure.what()};
    }
  }

  const std::size_t queue_max_;
  const std::size_t batch_max_;
  const Work work_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Phase phase_ = Phase::idle;
  std::vector<Job> queue_;
  base::Health health_{false, "not started"};

  std::thread thread_;
};

}  // namespace sqlite
