// Questions that change nothing, answered by a thread and a read-only connection of their own, so
// that the writer never waits for a reader.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "canvas/operation.hpp"
#include "journal/embedded/heads.hpp"
#include "journal/journal.hpp"
#include "sqlite/database.hpp"

namespace journal {

/// Thread-safe. A question asked after something was answered as accepted sees it.
class Queries {
 public:
  using OnCharges = std::function<void(base::Result<canvas::Charges>)>;
  using OnHistory = std::function<void(base::Result<std::vector<Placement>>)>;
  /// The charges now of someone whose charges will all be back at the time given.
  using ChargesOf = std::function<canvas::Charges(std::int64_t full_at_ms)>;

  /// Throws sqlite::Failure. `on_broken` is called at most once, when the thread cannot go on.
  Queries(const std::string& database_path, std::shared_ptr<const Heads> heads,
          ChargesOf charges_of, OnFatal on_broken);
  ~Queries() { stop(); }

  /// At most limits::kQueryQueueMax questions wait; one more is answered `busy` at once.
  void charges(base::PersonId person, OnCharges done);
  void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max, OnHistory done);

  /// Answers what was asked, ends the thread and closes the connection; what is asked later gets
  /// an error. Idempotent; one call at a time.
  void stop();

 private:
  /// `failure` is empty, or the reason why it is not to be tried at all.
  using Question = std::function<void(const std::string& failure)>;

  void ask(Question question);
  void answer_all();
  canvas::Charges read_charges(base::PersonId person);
  std::vector<Placement> read_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max);

  const std::shared_ptr<const Heads> heads_;
  const ChargesOf charges_of_;
  const OnFatal on_broken_;

  struct Connection {
    explicit Connection(const std::string& database_path);
    sqlite::Database database;
    sqlite::Statement find_person;
    sqlite::Statement find_placement;
  };
  std::unique_ptr<Connection> connection_;  // the thread's own

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Question> waiting_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace journal
