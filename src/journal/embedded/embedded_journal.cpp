#include "journal/embedded/embedded_journal.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "journal/embedded/batch.hpp"
#include "journal/embedded/checkpoint.hpp"
#include "journal/embedded/queries.hpp"
#include "journal/embedded/recent.hpp"
#include "journal/embedded/recovery.hpp"
#include "journal/embedded/store.hpp"
#include "journal/refusals.hpp"
#include "sqlite/data_dir.hpp"
#include "sqlite/database.hpp"
#include "sqlite/group_writer.hpp"

namespace journal {

namespace {

namespace limits = base::limits;

class Embedded final : public Journal {
 public:
  explicit Embedded(EmbeddedOptions options)
      : options_(std::move(options)),
        writer_(limits::kJournalQueueMax, limits::kJournalBatchMax, work()) {}
  ~Embedded() override { stop(); }

  base::Result<Start> start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) override;
  void append(canvas::Operation operation, OnAnswer on_answer) override;
  void charges(base::PersonId person, Queries::OnCharges done) override;
  void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                     Queries::OnHistory done) override;
  [[nodiscard]] canvas::Rules rules() const override { return options_.rules; }
  [[nodiscard]] Health health() const override { return writer_.health(); }
  void stop() override;

 private:
  struct Pending {
    canvas::Operation operation;
    OnAnswer on_answer;
  };
  using Writer = sqlite::GroupWriter<Pending>;

  Writer::Work work();
  Start open();
  [[nodiscard]] std::int64_t now_ms() const { return clock_() + clock_ahead_ms_; }

  // The writer's thread.
  bool write(std::span<const Pending> batch);
  std::vector<canvas::Entry> commit(std::span<const Pending> batch,
                                    std::vector<canvas::Answer>& answers);
  void finish();

  const EmbeddedOptions options_;
  OnCommitted on_committed_;
  OnReset on_reset_;
  OnFatal on_fatal_;
  std::function<std::int64_t()> clock_;
  std::int64_t clock_ahead_ms_ = 0;  // what was added so that time does not fall behind

  std::optional<sqlite::DataDir> data_dir_;
  std::unique_ptr<Queries> queries_;

  // The writer's, once it runs.
  std::unique_ptr<Store> store_;
  std::optional<State> state_;
  std::optional<Recent> recent_;
  std::optional<Checkpointer> checkpointer_;

  std::mutex stop_mutex_;  // one stop() at a time
  Writer writer_;
};

Embedded::Writer::Work Embedded::work() {
  return {.write = [this](std::span<Pending> batch) { return write(batch); },
          .probe = [this] { store_->probe(); },
          .finish = [this] { finish(); },
          .fail = [](Pending& pending) { pending.on_answer(unavailable()); },
          .on_fatal = [this](const std::string& why) { on_fatal_(why); }};
}

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
  const auto path = data_dir_->file("journal.db");
  store_ = std::make_unique<Store>(path);
  Recovered recovered = recover(*store_, options_.size, options_.blank_color, clock_());
  state_ = std::move(recovered.state);
  clock_ahead_ms_ = std::max<std::int64_t>(0, state_->last_time_ms - clock_());
  recent_.emplace(*store_);
  checkpointer_.emplace(*state_);
  queries_ = std::make_unique<Queries>(
      path, state_->heads,
      [this](std::int64_t full_at_ms) { return canvas::charges_at(rules(), full_at_ms, now_ms()); },
      [this](const std::string& why) { writer_.break_down(why); });

  Start start{state_->board, state_->position(), state_->digest, std::move(recovered.tail)};
  on_reset_(start);
  writer_.start();
  return start;
}

void Embedded::append(canvas::Operation operation, OnAnswer on_answer) {
  Pending pending{std::move(operation), std::move(on_answer)};
  const auto queued = writer_.put(pending);
  if (queued == sqlite::Queued::full) pending.on_answer(busy());
  if (queued == sqlite::Queued::closed) pending.on_answer(unavailable());
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

void Embedded::stop() {
  const std::lock_guard one_at_a_time(stop_mutex_);
  if (queries_) queries_->stop();
  writer_.stop();
  store_.reset();
  data_dir_.reset();
}

bool Embedded::write(std::span<const Pending> batch) {
  const std::int64_t begin_ns = base::steady_ns();
  std::vector<canvas::Answer> answers;
  std::vector<canvas::Entry> entries;  // made durable
  try {
    entries = commit(batch, answers);
  } catch (const sqlite::Failure&) {
    recent_->forget();
    throw;
  }
  if (!entries.empty()) {
    for (const canvas::Entry& entry : entries) state_->apply(entry);
    on_committed_(entries);
    if (options_.observers.on_batch) {
      const double seconds = static_cast<double>(base::steady_ns() - begin_ns) * 1e-9;
      options_.observers.on_batch(entries.size(), seconds);
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].on_answer(answers[i]);
  return !entries.empty();
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
  sqlite::Transaction transaction(store_->database());
  write_checkpoint(*store_, *state_);
  transaction.commit();
  store_->database().truncate_log();
}

}  // namespace

std::unique_ptr<Journal> make_embedded(EmbeddedOptions options) {
  return std::make_unique<Embedded>(std::move(options));
}

}  // namespace journal
