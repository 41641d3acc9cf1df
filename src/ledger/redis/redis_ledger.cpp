#include "ledger/redis/redis_ledger.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "ledger/redis/codec.hpp"
#include "ledger/redis/link.hpp"
#include "redis_store/batch_writer.hpp"

namespace ledger {

namespace {

namespace limits = base::limits;

/// Presses are all alike, so that a batch of many costs Redis as much as a batch of one.
constexpr std::chrono::milliseconds kGatherMax{2};

class OverRedis final : public Ledger {
 public:
  OverRedis(RedisOptions options, boost::asio::io_context& io)
      : options_(std::move(options)),
        writer_(io, {.queue_max = limits::kLedgerQueueMax,
                     .batch_max = limits::kLedgerBatchMax,
                     .busy = busy(),
                     .unavailable = unavailable(),
                     .gather_max = kGatherMax}) {}
  ~OverRedis() override { stop(); }

  base::Status start(Events events) override;
  void press(counter::Press press, OnAnswer on_answer) override {
    writer_.put(std::move(press), std::move(on_answer));
  }
  [[nodiscard]] base::Health health() const override { return writer_.health(); }
  void stop() override { writer_.stop(); }

 private:
  using Writer = redis_store::BatchWriter<counter::Press, OnAnswer, counter::Refused>;
  template <class T = void>
  using Task = Writer::Task<T>;

  LinkEvents link_events();

  // The loop's coroutines.
  Task<> write(Writer::Batch pressed);
  Task<std::vector<counter::Answer>> answers_to(const Batch& batch, std::size_t presses);

  const RedisOptions options_;
  Events events_;
  Writer writer_;

  // The loop's own.
  std::optional<Link> link_;
  std::uint64_t batches_ = 0;
};

base::Status OverRedis::start(Events events) {
  events_ = std::move(events);
  try {
    writer_.start(
        {.make_link =
             [this] { link_.emplace(writer_.io().get_executor(), options_, link_events()); },
         .link = [this] { return link_->run(); },
         .stop_link = [this] { link_->stop(); },
         .write = [this](auto pressed) { return write(std::move(pressed)); }},
        options_.start_wait);
  } catch (const std::exception& error) {
    return base::Error{std::string("the ledger over Redis cannot start: ") + error.what()};
  }
  return base::Done{};
}

LinkEvents OverRedis::link_events() {
  return {.on_loaded = events_.on_loaded,
          .on_changed = events_.on_changed,
          .on_usable = [this](bool usable, const std::string& why) {
            writer_.set_usable(usable, why);
          }};
}

OverRedis::Task<> OverRedis::write(Writer::Batch pressed) {
  const auto begin_ns = base::steady_ns();
  const Batch batch(pressed.operations);
  const auto answers = co_await answers_to(batch, pressed.size());
  events_.on_batch(answers.size(), static_cast<double>(base::steady_ns() - begin_ns) * 1e-9);
  for (std::size_t i = 0; i < answers.size(); ++i) pressed.on_answers[i](answers[i]);
}

/// While the outcome of a batch is unknown it is asked about again: Redis knows batches by their
/// number until the epoch ends.
OverRedis::Task<std::vector<counter::Answer>> OverRedis::answers_to(const Batch& batch,
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
    if (!certain && (writer_.giving_up() || link_->epoch() != epoch)) {
      co_return std::vector<counter::Answer>(presses, unknown());
    }
    if (base::steady_ms() - begin_ms > redis_store::kRetryForMs) {
      if (certain) co_return std::vector<counter::Answer>(presses, unavailable());
      writer_.refuse_waiting();
    }
    co_await writer_.pause();
  }
}

}  // namespace

std::unique_ptr<Ledger> make_redis(RedisOptions options, boost::asio::io_context& io) {
  return std::make_unique<OverRedis>(std::move(options), io);
}

}  // namespace ledger
