#include "ledger/redis/redis_ledger.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "base/gathered.hpp"
#include "base/limits.hpp"
#include "ledger/redis/codec.hpp"
#include "ledger/redis/link.hpp"
#include "redis/scope.hpp"

namespace ledger {

namespace {

namespace asio = boost::asio;
namespace limits = base::limits;
using std::chrono::milliseconds;

using redis::kAwait;

// What was certainly not applied is tried again for so long.
constexpr std::int64_t kRetryForMs = 2'000;
constexpr milliseconds kRetryEvery{20};
// How long stop() goes on asking what became of presses whose outcome is unknown.
constexpr milliseconds kStopWithin{3'000};

class OverRedis final : public Ledger {
 public:
  explicit OverRedis(RedisOptions options) : options_(std::move(options)), io_(1), gathered_(io_) {}
  ~OverRedis() override { stop(); }

  base::Status start(Events events) override;
  void press(counter::Press press, OnAnswer on_answer) override;
  [[nodiscard]] base::Health health() const override;
  void stop() override;

 private:
  template <class T = void>
  using Task = asio::awaitable<T>;
  using Gathered = base::Gathered<counter::Press, OnAnswer>;

  LinkEvents link_events();
  void run();

  // The thread's coroutines.
  Task<> write_all();
  Task<> write(Gathered gathered);
  Task<std::vector<counter::Answer>> answers_to(const Batch& batch, std::size_t presses);
  Gathered take();
  void refuse_waiting();

  const RedisOptions options_;
  Events events_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable first_load_;
  bool loaded_ = false;
  bool serving_ = false;  // between start() and stop()
  Gathered queue_;
  base::Health health_{false, "not started"};

  std::mutex stop_mutex_;  // one stop() at a time

  // The thread's own.
  asio::io_context io_;
  asio::steady_timer gathered_;  // cancelled when there is something to write
  std::optional<Link> link_;
  std::uint64_t batches_ = 0;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point give_up_at_ = std::chrono::steady_clock::time_point::max();
  std::thread thread_;
};

base::Status OverRedis::start(Events events) {
  events_ = std::move(events);
  try {
    link_.emplace(io_.get_executor(), options_, link_events());
  } catch (const std::exception& error) {
    return base::Error{std::string("the ledger over Redis cannot start: ") + error.what()};
  }
  std::unique_lock lock(mutex_);
  serving_ = true;
  health_ = {false, "not connected to Redis yet"};
  thread_ = std::thread([this] { run(); });
  first_load_.wait_for(lock, options_.start_wait, [this] { return loaded_ && health_.writable; });
  return base::Done{};
}

LinkEvents OverRedis::link_events() {
  return {.on_loaded =
              [this](std::span<const Counter> counters) {
                events_.on_loaded(counters);
                const std::lock_guard lock(mutex_);
                loaded_ = true;
              },
          .on_changed = [this](std::span<const Counter> counters) { events_.on_changed(counters); },
          .on_usable =
              [this](bool usable, const std::string& why) {
                const std::lock_guard lock(mutex_);
                if (serving_) health_ = {usable, usable ? "ok" : why};
                first_load_.notify_one();
              }};
}

void OverRedis::run() {
  const auto rethrow = [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  };
  try {
    asio::co_spawn(io_, link_->run(), rethrow);
    asio::co_spawn(io_, write_all(), rethrow);
    io_.run();
  } catch (const std::exception& bug) {
    events_.on_fatal(bug.what());
  }
}

void OverRedis::press(counter::Press press, OnAnswer on_answer) {
  counter::Refused refused = unavailable();
  {
    const std::lock_guard lock(mutex_);
    if (serving_ && health_.writable) {
      if (queue_.size() < limits::kLedgerQueueMax) {
        queue_.add(std::move(press), std::move(on_answer));
        if (queue_.size() == 1) asio::post(io_, [this] { gathered_.cancel(); });
        return;
      }
      refused = busy();
    }
  }
  on_answer(refused);
}

OverRedis::Gathered OverRedis::take() {
  const std::lock_guard lock(mutex_);
  return queue_.take(limits::kLedgerBatchMax);
}

/// While one batch is on its way the next one gathers.
asio::awaitable<void> OverRedis::write_all() {
  while (true) {
    Gathered gathered = take();
    if (!gathered.empty()) {
      co_await write(std::move(gathered));
    } else if (stopping_) {
      break;
    } else {
      gathered_.expires_at(asio::steady_timer::time_point::max());
      co_await gathered_.async_wait(kAwait);
    }
  }
  link_->stop();
}

asio::awaitable<void> OverRedis::write(Gathered gathered) {
  const auto begin_ns = base::steady_ns();
  const Batch batch(gathered.operations);
  const auto answers = co_await answers_to(batch, gathered.operations.size());
  events_.on_batch(answers.size(), static_cast<double>(base::steady_ns() - begin_ns) * 1e-9);
  for (std::size_t i = 0; i < answers.size(); ++i) gathered.on_answers[i](answers[i]);
}

/// While the outcome of a batch is unknown it is asked about again: Redis knows batches by their
/// number until the epoch ends.
asio::awaitable<std::vector<counter::Answer>> OverRedis::answers_to(const Batch& batch,
                                                                    std::size_t presses) {
  const auto number = ++batches_;
  const auto begin_ms = base::steady_ms();
  bool certain = true;      // that nothing was applied
  std::uint64_t epoch = 0;  // in which it was pressed
  while (true) {
    if (certain) epoch = link_->epoch();
    if (link_->usable() && link_->epoch() == epoch) {
      const auto text = co_await link_->press(epoch, number, batch.arguments());
      if (text) {
        auto answers = batch.answers(*text);
        if (!answers) throw std::logic_error("Redis gave answers to another batch");
        co_return std::move(*answers);
      }
      certain = certain && text.error().kind != redis::Failure::unknown;
    }
    const bool gave_up = std::chrono::steady_clock::now() > give_up_at_;
    if (!certain && (gave_up || link_->epoch() != epoch)) {
      co_return std::vector<counter::Answer>(presses, unknown());
    }
    if (base::steady_ms() - begin_ms > kRetryForMs) {
      if (certain) co_return std::vector<counter::Answer>(presses, unavailable());
      refuse_waiting();
    }
    asio::steady_timer pause(io_, kRetryEvery);
    co_await pause.async_wait(kAwait);
  }
}

/// What was not sent yet need not wait for what became of that which was.
void OverRedis::refuse_waiting() {
  Gathered refused;
  {
    const std::lock_guard lock(mutex_);
    std::swap(refused, queue_);
  }
  refused.answer_all(unavailable());
}

base::Health OverRedis::health() const {
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

std::unique_ptr<Ledger> make_redis(RedisOptions options) {
  return std::make_unique<OverRedis>(std::move(options));
}

}  // namespace ledger
