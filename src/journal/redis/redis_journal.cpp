#include "journal/redis/redis_journal.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "journal/redis/canvas_link.hpp"
#include "journal/refusals.hpp"
#include "loop/event_loop.hpp"
#include "redis_store/batch_writer.hpp"

namespace journal {

namespace {

namespace asio = boost::asio;
namespace limits = base::limits;

class OverRedis final : public Journal {
 public:
  explicit OverRedis(RedisOptions options) : options_(std::move(options)), rules_(options_.rules) {}
  ~OverRedis() override { stop(); }

  base::Result<Start> start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) override;
  void append(canvas::Operation operation, OnAnswer on_answer) override {
    writer_.put(std::move(operation), std::move(on_answer));
  }
  void charges(base::PersonId person,
               std::function<void(base::Result<canvas::Charges>)> done) override;
  void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                     std::function<void(base::Result<std::vector<Placement>>)> done) override;
  std::uint32_t share_online(std::uint32_t here) override;
  [[nodiscard]] canvas::Rules rules() const override;
  [[nodiscard]] Health health() const override { return writer_.health(); }
  void stop() override;

 private:
  using Writer = redis_store::BatchWriter<canvas::Operation, OnAnswer, canvas::Refused>;
  using Batch = Writer::Batch;
  template <class T = void>
  using Task = Writer::Task<T>;

  [[nodiscard]] LinkEvents events();
  void loaded(Start start);

  // The loop's coroutines.
  Task<> write(Batch batch);
  Task<std::optional<std::vector<canvas::Answer>>> decided(const Batch& batch);
  Task<> ask_charges(base::PersonId person,
                     std::function<void(base::Result<canvas::Charges>)> done);
  void take(const canvas::Rules& rules);
  [[nodiscard]] std::vector<Placement> recent_on(std::uint16_t x, std::uint16_t y,
                                                 std::size_t rows_max) const;

  const RedisOptions options_;
  OnCommitted on_committed_;
  OnReset on_reset_;
  OnFatal on_fatal_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::optional<Start> first_;  // until start() has taken it
  bool starting_ = true;        // start() may still take it
  canvas::Rules rules_;

  std::atomic<std::uint32_t> elsewhere_{0};
  loop::EventLoop loop_{[this](const std::string& bug) { on_fatal_(bug); }};
  Writer writer_{loop_.io(),
                 {.queue_max = limits::kJournalQueueMax,
                  .batch_max = limits::kJournalBatchMax,
                  .busy = busy(),
                  .unavailable = unavailable()}};
  std::optional<CanvasLink> link_;  // the loop's own
};

base::Result<Start> OverRedis::start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) {
  on_committed_ = std::move(on_committed);
  on_reset_ = std::move(on_reset);
  on_fatal_ = std::move(on_fatal);
  try {
    writer_.start(
        {.make_link = [this] { link_.emplace(writer_.io().get_executor(), options_, events()); },
         .link = [this] { return link_->run(); },
         .stop_link = [this] { link_->stop(); },
         .write = [this](Batch batch) { return write(std::move(batch)); }},
        options_.start_wait);
  } catch (const std::exception& error) {
    return base::Error{std::string("the journal over Redis cannot start: ") + error.what()};
  }
  const std::lock_guard lock(mutex_);
  starting_ = false;
  if (first_) return std::move(*std::exchange(first_, std::nullopt));
  return Start{canvas::Board(options_.size, options_.blank_color), {}, 0, {}};
}

void OverRedis::stop() {
  writer_.stop();
  loop_.join();
}

LinkEvents OverRedis::events() {
  return {
      .on_loaded = [this](Start start) { loaded(std::move(start)); },
      .on_committed = [this](std::span<const canvas::Entry> entries) { on_committed_(entries); },
      .on_rules = [this](const canvas::Rules& rules) { take(rules); },
      .on_usable = [this](bool usable, const std::string& why) { writer_.set_usable(usable, why); },
      .on_online = [this](std::uint32_t elsewhere) { elsewhere_ = elsewhere; }};
}

void OverRedis::loaded(Start start) {
  on_reset_(start);
  const std::lock_guard lock(mutex_);
  if (starting_) first_ = std::move(start);
}

asio::awaitable<void> OverRedis::write(Batch batch) {
  const auto begin_ns = base::steady_ns();
  const auto answers = co_await decided(batch);
  if (!answers) co_return batch.answer_all(unavailable());
  std::size_t accepted = 0;
  for (const auto& answer : *answers) {
    accepted += std::holds_alternative<canvas::Accepted>(answer) ? 1 : 0;
  }
  if (accepted > 0 && options_.observers.on_batch) {
    options_.observers.on_batch(accepted, static_cast<double>(base::steady_ns() - begin_ns) * 1e-9);
  }
  for (std::size_t i = 0; i < answers->size(); ++i) batch.on_answers[i]((*answers)[i]);
}

/// The answers; nothing when the operations were certainly not applied. While their outcome is
/// unknown they are asked about again: Redis knows them by producer and sequence.
asio::awaitable<std::optional<std::vector<canvas::Answer>>> OverRedis::decided(const Batch& batch) {
  const auto begin_ms = base::steady_ms();
  bool certain = true;  // that nothing was applied
  while (true) {
    if (link_->usable()) {
      auto answers = co_await link_->append(batch.operations);
      if (answers) co_return std::move(answers).value();
      certain = certain && answers.error().kind != CallFailure::unknown;
    }
    if (base::steady_ms() - begin_ms > redis_store::kRetryForMs) {
      if (certain) co_return std::nullopt;
      writer_.refuse_waiting();
    }
    if (!certain && writer_.giving_up()) co_return std::nullopt;
    co_await writer_.pause();
  }
}

void OverRedis::charges(base::PersonId person,
                        std::function<void(base::Result<canvas::Charges>)> done) {
  const bool asked = writer_.run([&] { return ask_charges(person, std::move(done)); });
  if (!asked) done(base::Error{"Redis cannot be asked now"});
}

asio::awaitable<void> OverRedis::ask_charges(
    base::PersonId person, std::function<void(base::Result<canvas::Charges>)> done) {
  auto charges = co_await link_->charges(person);
  if (charges) {
    done(charges.value());
  } else {
    done(base::Error{charges.error().message});
  }
}

void OverRedis::pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                              std::function<void(base::Result<std::vector<Placement>>)> done) {
  rows_max = std::min(rows_max, limits::kHistoryRowsMax);
  asio::post(writer_.io(), [this, x, y, rows_max, done = std::move(done)] {
    auto recent = recent_on(x, y, rows_max);
    if (recent.size() >= rows_max || options_.history == nullptr) return done(std::move(recent));
    const auto& kept = link_->follower().recent();
    const auto before = kept.empty() ? UINT64_MAX : kept.front().entry.offset;
    options_.history->pixel_history(
        x, y, rows_max,
        [recent = std::move(recent), before, rows_max, done](auto archived) mutable {
          if (!archived) return done(archived.error());
          for (auto& placement : *archived) {
            if (recent.size() < rows_max && placement.entry.offset < before) {
              recent.push_back(std::move(placement));
            }
          }
          done(std::move(recent));
        });
  });
}

/// What is still in memory of one pixel, newest first.
std::vector<Placement> OverRedis::recent_on(std::uint16_t x, std::uint16_t y,
                                            std::size_t rows_max) const {
  std::vector<Placement> found;
  const auto& recent = link_->follower().recent();
  for (auto at = recent.rbegin(); at != recent.rend() && found.size() < rows_max; ++at) {
    if (at->entry.x != x || at->entry.y != y) continue;
    // People are called as they were last.
    const auto newest = std::find_if(recent.rbegin(), at, [&](const RecordedEntry& later) {
      return later.entry.person == at->entry.person;
    });
    found.push_back({at->entry, newest->name});
  }
  return found;
}

std::uint32_t OverRedis::share_online(std::uint32_t here) {
  asio::post(writer_.io(), [this, here] {
    if (link_) link_->set_online(here);
  });
  return here + elsewhere_.load();
}

void OverRedis::take(const canvas::Rules& rules) {
  {
    const std::lock_guard lock(mutex_);
    if (rules_ == rules) return;
    rules_ = rules;
  }
  if (options_.observers.on_rules) options_.observers.on_rules(rules);
}

canvas::Rules OverRedis::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

}  // namespace

std::unique_ptr<Journal> make_redis(RedisOptions options) {
  return std::make_unique<OverRedis>(std::move(options));
}

}  // namespace journal
