#include "net/ticker.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace net {

namespace {

constexpr std::int64_t kDeliveryShare = 2;  // a tick lasts at least two deliveries

}  // namespace

Ticker::Ticker(asio::io_context& io, int tick_ms_max, std::function<void()> tick,
               std::function<std::int64_t()> delivery_ns)
    : io_(io),
      tick_ms_max_(tick_ms_max),
      tick_(std::move(tick)),
      delivery_ns_(std::move(delivery_ns)),
      timer_(io.get_executor()) {}

void Ticker::wake() {
  if (awake_.exchange(true)) return;
  asio::post(io_, [this] { on_wake(); });
}

void Ticker::on_wake() {
  if (stopped_) return;
  const auto due_ms = last_tick_ms_ + tick_ms() - base::steady_ms();
  if (due_ms <= 0) return tick();
  timer_.expires_after(std::chrono::milliseconds(due_ms));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Ticker::tick() {
  awake_.store(false);  // before the tick is taken: what comes later wakes us again
  last_tick_ms_ = base::steady_ms();
  tick_();
}

int Ticker::tick_ms() const {
  const auto wanted_ms = kDeliveryShare * delivery_ns_() / base::kMsNs;
  return static_cast<int>(
      std::clamp<std::int64_t>(wanted_ms, base::limits::kTickMsMin, tick_ms_max_));
}

void Ticker::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace net
