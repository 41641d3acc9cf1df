#include "journal/embedded/embedded_journal.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "journal/embedded/batch.hpp"
#include "journal/embedded/checkpoint.hpp"
#include "journal/embedded/data_dir.hpp"
#include "journal/embedded/queries.hpp"
#include "journal/embedded/recent.hpp"
#include "journal/embedded/recovery.hpp"
#include "journal/embedded/store.hpp"
#include "journal/refusals.hpp"
#include "sqlite/database.hpp"

namespace journal {

namespace {

namespace limits = base::limits;

// How often to look whether a store that could not be written can be written again.
constexpr std::chrono::milliseconds kProbeEvery{500};

class Embedded final : public Journal {
 public:
  explicit Embedded(EmbeddedOptions options) : options_(std::move(options)) {}
  ~Embedded() override { stop(); }

  base::Result<Start> start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) override;
  void append(canvas::Operation operation, OnAnswer on_answer) override;
  void charges(base::PersonId person, Queries::OnCharges done) override;
  void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                     Queries::OnHistory done) override;
  [[nodiscard]] canvas::Rules rules() const override { return options_.rules; }
  [[nodiscard]] Health health() const override;
  void stop() override;

 private:
  struct Pending {
    canvas::Operation operation;
    OnAnswer on_answer;
  };
  enum class Phase { idle, serving, stopping, broken };

  Start open();
  [[nodiscard]] std::int64_t now_ms() const { return clock_() + clock_ahead_ms_; }

  // The writer's thread.
  void write_all();
  bool take(std::vector<Pending>& taken);
  void write(std::span<const Pending> batch);
  std::vector<canvas::Entry> commit(std::span<const Pending> batch,
                                    std::vector<canvas::Answer>& answers);
  void finish();
  void probe();
  void set_writable();
  void set_refused(const sqlite::Failure& failure);

  void break_down(const std::string& why);  // any thread

  const EmbeddedOptions options_;
  OnCommitted on_committed_;
  OnReset on_reset_;
  OnFatal on_fatal_;
  std::function<std::int64_t()> clock_;
  std::int64_t clock_ahead_ms_ = 0;  // what was added so that time does not fall behind

  std::optional<DataDir> data_dir_;
  std::unique_ptr<Queries> queries_;

  // The writer's, once it runs.
  std::unique_ptr<Store> store_;
  std::optional<State> state_;
  std::optional<Recent> recent_;
  std::optional<Checkpointer> checkpointer_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Phase phase_ = Phase::idle;
  std::vector<Pending> queue_;
  Health health_{false, "not started"};

  std::mutex stop_mutex_;  // one stop() at a time
  std::thread writer_;
};

base::Result<Start> Embedded::start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) {
  on_committed_ = std::move(on_committed);
  on_reset_ = std::move(on_reset);
  on_fatal_ = std::move(on_fatal);
  try {
    return open();
  } catch (const std::exception& error) {
    queries_.reset();
    store_.reset();
    data_dir_.reset();
    return base::Error{"the journal in " + options_.data_dir + " cannot start: " + error.what()};
  }
}

Start Embedded::open() {
  data_dir_.emplace(options_.data_dir);
  clock_ = options_.now_ms;
  if (!clock_) clock_ = [clock = base::SteadyWallClock()] { return clock.now_ms(); };
  store_ = std::make_unique<Store>(data_dir_->database_path());
  Recovered recovered = recover(*store_, options_.size, options_.blank_color, clock_());
  state_ = std::move(recovered.state);
  clock_ahead_ms_ = std::max<std::int64_t>(0, state_->last_time_ms - clock_());
  recent_.emplace(*store_);
  checkpointer_.emplace(*state_);
  queries_ = std::make_unique<Queries>(
      data_dir_->database_path(), state_->heads,
      [this](std::int64_t full_at_ms) { return canvas::charges_at(rules(), full_at_ms, now_ms()); },
      [this](const std::string& why) { break_down(why); });

  Start start{state_->board, state_->position(), state_->digest, std::move(recovered.tail)};
  on_reset_(start);
  const std::lock_guard lock(mutex_);
  phase_ = Phase::serving;
  health_ = {true, "ok"};
  writer_ = std::thread([this] { write_all(); });
  return start;
}

void Embedded::append(canvas::Operation operation, OnAnswer on_answer) {
  canvas::Refused refused = unavailable();
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::serving) {
      if (queue_.size() < limits::kJournalQueueMax) {
        queue_.push_back({std::move(operation), std::move(on_answer)});
        if (queue_.size() == 1) wake_.notify_one();
        return;
      }
      refused = busy();
    }
  }
  on_answer(refused);
}

void Embedded::charges(base::PersonId person, Queries::OnCharges done) {
  if (!queries_) return done(base::Error{"not started"});
  queries_->charges(person, std::move(done));
}

void Embedded::pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                             Queries::OnHistory done) {
  if (!queries_) return done(base::Error{"not started"});
  queries_->pixel_history(x, y, rows_max, std::move(done));
}

Health Embedded::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Embedded::stop() {
  const std::lock_guard one_at_a_time(stop_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::serving) {
      phase_ = Phase::stopping;
      health_ = {false, "stopped"};
    }
  }
  wake_.notify_one();
  if (queries_) queries_->stop();
  if (writer_.joinable()) writer_.join();
  store_.reset();
  data_dir_.reset();
}

void Embedded::write_all() {
  try {
    std::vector<Pending> taken;
    while (take(taken)) {
      if (taken.empty()) probe();
      for (std::span<const Pending> left = taken; !left.empty();) {
        const auto batch = left.first(std::min(left.size(), limits::kJournalBatchMax));
        write(batch);
        left = left.subspan(batch.size());
      }
    }
    finish();
  } catch (const std::exception& error) {
    break_down(error.what());
  }
}

/// Waits for operations and takes all that have gathered. None: the store could not be written and
/// should be probed. False: all is done, stop.
bool Embedded::take(std::vector<Pending>& taken) {
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

void Embedded::write(std::span<const Pending> batch) {
  const std::int64_t begin_ns = base::steady_ns();
  std::vector<canvas::Answer> answers;
  std::vector<canvas::Entry> entries;  // made durable
  try {
    entries = commit(batch, answers);
  } catch (const sqlite::Failure& failure) {
    if (!failure.write_refused()) throw;
    recent_->forget();
    set_refused(failure);
    answers.assign(batch.size(), unavailable());
  }
  if (!entries.empty()) {
    set_writable();
    for (const canvas::Entry& entry : entries) state_->apply(entry);
    on_committed_(entries);
    if (options_.observers.on_batch) {
      const double seconds = static_cast<double>(base::steady_ns() - begin_ns) * 1e-9;
      options_.observers.on_batch(entries.size(), seconds);
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].on_answer(answers[i]);
}

/// Decides and makes durable; returns what was accepted. Throws sqlite::Failure.
std::vector<canvas::Entry> Embedded::commit(std::span<const Pending> batch,
                                            std::vector<canvas::Answer>& answers) {
  sqlite::Transaction transaction(store_->database());
  recent_->forget_if_large();
  Batch decided(*store_, *recent_, *state_, options_.rules,
                std::max(now_ms(), state_->last_time_ms));
  answers.reserve(batch.size());
  for (const Pending& pending : batch) answers.push_back(decided.decide(pending.operation));
  if (decided.entries().empty()) return {};
  decided.write();
  checkpointer_->write_some(*store_, *state_, decided.entries().size());
  transaction.commit();
  checkpointer_->committed(*state_);
  return decided.entries();
}

void Embedded::finish() {
  try {
    sqlite::Transaction transaction(store_->database());
    write_checkpoint(*store_, *state_);
    transaction.commit();
    store_->database().truncate_log();
  } catch (const sqlite::Failure& failure) {
    if (!failure.write_refused()) throw;  // no room: only a longer start
  }
}

void Embedded::probe() {
  try {
    store_->probe();
    set_writable();
  } catch (const sqlite::Failure& failure) {
    if (!failure.write_refused()) throw;
    set_refused(failure);
  }
}

void Embedded::set_writable() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::serving) health_ = {true, "ok"};
}

void Embedded::set_refused(const sqlite::Failure& failure) {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::serving) {
    health_ = {false, failure.disk_full() ? "disk full" : failure.what()};
  }
}

/// What was being written keeps its unknown outcome; what waited was certainly not written.
void Embedded::break_down(const std::string& why) {
  std::vector<Pending> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::broken) return;
    phase_ = Phase::broken;
    health_ = {false, why};
    waiting.swap(queue_);
  }
  wake_.notify_one();
  on_fatal_(why);
  for (const Pending& pending : waiting) pending.on_answer(unavailable());
}

}  // namespace

std::unique_ptr<Journal> make_embedded(EmbeddedOptions options) {
  return std::make_unique<Embedded>(std::move(options));
}

}  // namespace journal
