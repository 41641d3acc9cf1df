#include "journal/redis/redis_journal.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/clock.hpp"
#include "base/gathered.hpp"
#include "base/limits.hpp"
#include "journal/redis/canvas_link.hpp"
#include "journal/refusals.hpp"
#include "redis/scope.hpp"

namespace journal {

namespace {

namespace asio = boost::asio;
namespace limits = base::limits;
using std::chrono::milliseconds;

using redis::kAwait;

// What was certainly not applied is tried again for so long.
constexpr std::int64_t kRetryForMs = 2'000;
constexpr milliseconds kRetryEvery{20};
// How long stop() goes on asking what became of operations whose outcome is unknown.
constexpr milliseconds kStopWithin{3'000};

class OverRedis final : public Journal {
 public:
  explicit OverRedis(RedisOptions options)
      : options_(std::move(options)), rules_(options_.rules), io_(1), gathered_(io_) {}
  ~OverRedis() override { stop(); }

  base::Result<Start> start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) override;
  void append(canvas::Operation operation, OnAnswer on_answer) override;
  void charges(base::PersonId person,
               std::function<void(base::Result<canvas::Charges>)> done) override;
  void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                     std::function<void(base::Result<std::vector<Placement>>)> done) override;
  std::uint32_t share_online(std::uint32_t here) override;
  [[nodiscard]] canvas::Rules rules() const override;
  [[nodiscard]] Health health() const override;
  void stop() override;

 private:
  template <class T = void>
  using Task = asio::awaitable<T>;
  using Batch = base::Gathered<canvas::Operation, OnAnswer>;

  [[nodiscard]] LinkEvents events();
  void run();
  void loaded(Start start);

  // The thread's coroutines.
  Task<> write_all();
  Task<> write(Batch batch);
  Task<std::optional<std::vector<canvas::Answer>>> decided(const Batch& batch);
  Batch take();
  void refuse_waiting();
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
  std::condition_variable first_load_;
  std::optional<Start> first_;  // until start() has taken it
  bool starting_ = false;       // start() still waits for it
  bool serving_ = false;        // between start() and stop()
  Batch queue_;
  canvas::Rules rules_;
  Health health_{false, "not started"};

  std::atomic<std::uint32_t> elsewhere_{0};
  std::mutex stop_mutex_;  // one stop() at a time

  // The thread's own.
  asio::io_context io_;
  asio::steady_timer gathered_;  // cancelled when there is something to write
  std::optional<CanvasLink> link_;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point give_up_at_ = std::chrono::steady_clock::time_point::max();
  std::thread thread_;
};

base::Result<Start> OverRedis::start(OnCommitted on_committed, OnReset on_reset, OnFatal on_fatal) {
  on_committed_ = std::move(on_committed);
  on_reset_ = std::move(on_reset);
  on_fatal_ = std::move(on_fatal);
  try {
    link_.emplace(io_.get_executor(), options_, events());
  } catch (const std::exception& error) {
    return base::Error{std::string("the journal over Redis cannot start: ") + error.what()};
  }
  std::unique_lock lock(mutex_);
  serving_ = starting_ = true;
  health_ = {false, "not connected to Redis yet"};
  thread_ = std::thread([this] { run(); });
  first_load_.wait_for(lock, options_.start_wait, [this] { return first_ && health_.writable; });
  starting_ = false;
  if (first_) return std::move(*std::exchange(first_, std::nullopt));
  return Start{canvas::Board(options_.size, options_.blank_color), {}, 0, {}};
}

LinkEvents OverRedis::events() {
  return {
      .on_loaded = [this](Start start) { loaded(std::move(start)); },
      .on_committed = [this](std::span<const canvas::Entry> entries) { on_committed_(entries); },
      .on_rules = [this](const canvas::Rules& rules) { take(rules); },
      .on_usable =
          [this](bool usable, const std::string& why) {
            const std::lock_guard lock(mutex_);
            if (serving_) health_ = {usable, usable ? "ok" : why};
            first_load_.notify_one();
          },
      .on_online = [this](std::uint32_t elsewhere) { elsewhere_ = elsewhere; }};
}

void OverRedis::loaded(Start start) {
  on_reset_(start);
  const std::lock_guard lock(mutex_);
  if (starting_) first_ = std::move(start);
}

void OverRedis::run() {
  try {
    asio::co_spawn(io_, link_->run(), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
    asio::co_spawn(io_, write_all(), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
    io_.run();
  } catch (const std::exception& bug) {
    on_fatal_(bug.what());
  }
}

void OverRedis::append(canvas::Operation operation, OnAnswer on_answer) {
  canvas::Refused refused = unavailable();
  {
    const std::lock_guard lock(mutex_);
    if (serving_ && health_.writable) {
      if (queue_.size() < limits::kJournalQueueMax) {
        queue_.add(std::move(operation), std::move(on_answer));
        if (queue_.size() == 1) asio::post(io_, [this] { gathered_.cancel(); });
        return;
      }
      refused = busy();
    }
  }
  on_answer(refused);
}

OverRedis::Batch OverRedis::take() {
  const std::lock_guard lock(mutex_);
  return queue_.take(limits::kJournalBatchMax);
}

/// While one batch is on its way the next one gathers.
asio::awaitable<void> OverRedis::write_all() {
  while (true) {
    Batch batch = take();
    if (!batch.empty()) {
      co_await write(std::move(batch));
    } else if (stopping_) {
      break;
    } else {
      gathered_.expires_at(asio::steady_timer::time_point::max());
      co_await gathered_.async_wait(kAwait);
    }
  }
  link_->stop();
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
    if (base::steady_ms() - begin_ms > kRetryForMs) {
      if (certain) co_return std::nullopt;
      refuse_waiting();
    }
    if (!certain && std::chrono::steady_clock::now() > give_up_at_) co_return std::nullopt;
    asio::steady_timer pause(io_, kRetryEvery);
    co_await pause.async_wait(kAwait);
  }
}

/// What was not sent yet need not wait for what became of that which was.
void OverRedis::refuse_waiting() {
  Batch refused;
  {
    const std::lock_guard lock(mutex_);
    std::swap(refused, queue_);
  }
  refused.answer_all(unavailable());
}

void OverRedis::charges(base::PersonId person,
                        std::function<void(base::Result<canvas::Charges>)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!serving_ || !health_.writable) {
      // Answered below, outside the lock.
    } else {
      asio::co_spawn(io_, ask_charges(person, std::move(done)), asio::detached);
      return;
    }
  }
  done(base::Error{"Redis cannot be asked now"});
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
  asio::post(io_, [this, x, y, rows_max, done = std::move(done)] {
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
  asio::post(io_, [this, here] {
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

Health OverRedis::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void OverRedis::stop() {
  const std::lock_guard one_at_a_time(stop_mutex_);
  {
    const std::lock_guard lock(mutex_);
    serving_ = false;
    health_ = {false, "stopped"};
  }
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    stopping_ = true;
    give_up_at_ = std::chrono::steady_clock::now() + kStopWithin;
    gathered_.cancel();
  });
  thread_.join();
}

}  // namespace

std::unique_ptr<Journal> make_redis(RedisOptions options) {
  return std::make_unique<OverRedis>(std::move(options));
}

}  // namespace journal
