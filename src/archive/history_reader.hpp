// Look-ups in the history for players, answered by a thread and a connection of their own. While
// PostgreSQL is away they are answered with an error at once, and the reader tries again and again
// to reach it, less and less often.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// Thread-safe. Callbacks come from the reader's thread, or at once from the caller's when the
/// question is refused; they must be short. None comes after stop() has returned.
class HistoryReader {
 public:
  using OnHistory = std::function<void(Result<std::vector<Placement>>)>;

  explicit HistoryReader(postgres::Url url, postgres::Options options = {});
  ~HistoryReader() { stop(); }

  /// See archive/pixel_history.hpp. At most limits::kQueryQueueMax questions wait; one more is
  /// answered with an error at once, and one that has waited for limits::kLookupWaitMs too.
  void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max, OnHistory done);

  /// The connection is there, as far as is known.
  [[nodiscard]] bool connected() const { return connected_; }
  /// Why it is not, in one line; empty when it is.
  [[nodiscard]] std::string problem() const;

  /// Answers what waits with an error, ends the thread and closes the connection. Takes as long as
  /// the look-up under way: seconds at most. Idempotent; one call at a time.
  void stop();

 private:
  struct Question {
    std::uint16_t x = 0;
    std::uint16_t y = 0;
    std::size_t rows_max = 0;
    std::int64_t asked_ms = 0;
    OnHistory done;
  };

  void run();
  void connect();
  void lost(const Error& why);
  void answer(const Question& question);
  Result<std::vector<Placement>> look_up(const Question& question);

  const postgres::Url url_;
  const postgres::Options options_;

  // The thread's own.
  std::optional<postgres::Connection> connection_;
  std::int64_t retry_at_ms_ = 0;
  std::int64_t backoff_ms_ = 0;

  std::atomic<bool> connected_ = false;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Question> waiting_;
  std::string problem_ = "not connected yet";
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace archive
