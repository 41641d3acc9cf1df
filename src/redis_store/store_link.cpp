#include "redis_store/store_link.hpp"

#include <algorithm>
#include <utility>

#include "ops/log.hpp"
#include "redis/scope.hpp"

namespace redis_store {

namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

using redis::kAwait;

constexpr milliseconds kProbeEvery{500};
constexpr milliseconds kPreparePauseMax{400};
// How long what was written here waits for what was written elsewhere before it.
constexpr milliseconds kFollowWithin{5'000};
// Everybody is back within one wait of connecting again; so many give the slowest room.
constexpr int kReturnsAwaited = 3;

// Plain functions, because GCC 12 goes wrong about lists in braces inside coroutines.

void tell_mute() { ops::log::warning("the subscription to Redis is mute: making it again", {}); }

void tell_risk(std::string_view phrase, const std::string& address) {
  ops::log::warning(phrase, {{"redis", address}});
}

}  // namespace

StoreLink::StoreLink(const asio::any_io_executor& executor, LinkOptions options)
    : client_(executor,
              {.url = options.url,
               .key = options.key,
               .name = options.name,
               .on_state = [this](bool up, const std::string& why) { on_connected(up, why); }}),
      subscriber_(executor, {.url = options.url,
                             .key = options.key,
                             .channel = options.channel,
                             .name = options.name + "/live",
                             .on_state =
                                 [this](bool up, const std::string&) {
                                   echo_.listen_anew(Clock::now());
                                   if (up) on_subscribed();
                                   wake();
                                 },
                             .on_message = [this](std::string_view text) { on_message(text); }}),
      writes_(client_, options.url.kind),
      options_(std::move(options)),
      wake_(executor),
      followed_(executor) {}

asio::awaitable<void> StoreLink::run() {
  next_probe_ = Clock::now();
  echo_.listen_anew(next_probe_);
  co_await keep();
  client_.stop();
  subscriber_.stop();
  co_await client_.stopped();
  co_await subscriber_.stopped();
}

void StoreLink::stop() {
  stopping_ = true;
  wake();
  followed_.cancel();
}

/// One thing after the other, so that none of them meets a state that another has half changed.
asio::awaitable<void> StoreLink::keep() {
  while (!stopping_) {
    const milliseconds pause = co_await next_step();
    if (pause > milliseconds(0)) co_await sleep(pause);
  }
}

/// Does what is to be done first; returns how long to wait before the next step.
asio::awaitable<milliseconds> StoreLink::next_step() {
  if (!connected_) co_return kProbeEvery;
  if (!prepared_) {
    const bool done = co_await prepare_connection();
    if (done) prepare_pause_ = kRetry;
    const auto longer = std::min(2 * prepare_pause_, kPreparePauseMax);
    co_return done ? milliseconds(0) : std::exchange(prepare_pause_, longer);
  }
  const auto caught_up = co_await catch_up();
  if (caught_up) co_return *caught_up ? milliseconds(0) : kRetry;
  if (writes_.doubt().empty()) set_usable(true, {});
  const auto now = Clock::now();
  if (now >= next_probe_) {
    next_probe_ = now + kProbeEvery;
    co_await probe();
    co_return milliseconds(0);
  }
  if (!writes_.doubt().empty()) {
    const bool learned = co_await learn(false);
    if (learned) co_await try_write();
    co_return writes_.doubt().empty() ? milliseconds(0) : kRetry;
  }
  co_return std::chrono::ceil<milliseconds>(next_probe_ - now);
}

asio::awaitable<bool> StoreLink::prepare_connection() {
  const auto connection = writes_.connections();
  // First, because a master that was left behind takes nothing, a library neither.
  const bool learned = co_await learn(true);
  if (!learned) co_return false;
  const bool done = co_await prepare();
  prepared_ = done && connection == writes_.connections();
  co_return prepared_;
}

/// Who must confirm what is written; on a new connection, or to forgive who has gone.
asio::awaitable<bool> StoreLink::learn(bool anew) {
  const auto learned = co_await writes_.learn(anew);
  if (!learned) {
    if (!learned.error().message.empty()) set_usable(false, learned.error().message);
    co_return false;
  }
  if (anew && writes_.is_risky()) tell_risk(options_.phrases.risky, client_.address());
  co_return true;
}

/// Two questions twice a second: does what I publish come back, and am I where the store is?
asio::awaitable<void> StoreLink::probe() {
  const bool said = co_await beat();
  if (!said) co_return;
  if (echo_.is_mute(Clock::now())) {
    tell_mute();
    subscriber_.restart();
  }
  co_await writes_.look();
  tell_doubt();
  co_await compare();
}

asio::awaitable<bool> StoreLink::follow_until(std::function<std::optional<bool>()> reached) {
  const auto end = Clock::now() + kFollowWithin;
  while (!stopping_ && Clock::now() < end) {
    const auto answer = reached();
    if (answer) co_return *answer;
    followed_.expires_at(end);
    co_await followed_.async_wait(kAwait);
  }
  co_return false;
}

asio::awaitable<void> StoreLink::sleep(milliseconds time) {
  if (stopping_) co_return;
  wake_.expires_after(time);
  co_await wake_.async_wait(kAwait);
}

/// Who saw the store knows that others did, too, and may be on their way back.
milliseconds StoreLink::wait_for_others(milliseconds rebuild_wait, bool remembers) {
  return remembers ? kReturnsAwaited * rebuild_wait : rebuild_wait;
}

void StoreLink::on_connected(bool connected, const std::string& why) {
  connected_ = connected;
  writes_.connection_changed();
  if (connected) {
    ops::log::info("connected to Redis", {{"redis", why}});
    // Another master, or one that was restarted, may not hold what was seen.
    prepared_ = false;
    prepare_pause_ = kRetry;
  } else {
    set_usable(false, why);
  }
  wake();
}

bool StoreLink::fail(const std::string& why) {
  set_usable(false, why);
  return false;
}

void StoreLink::prepare_again(const std::string& why) {
  prepared_ = false;
  set_usable(false, why);
  wake();
}

void StoreLink::tell_doubt() {
  if (writes_.doubt().empty()) return;
  set_usable(false, writes_.doubt());
  wake();
}

void StoreLink::set_usable(bool usable, const std::string& why) {
  if (usable == usable_ && why == trouble_) return;
  if (!usable && why != trouble_) {
    ops::log::warning(options_.phrases.impossible, {{"why", why}});
  } else if (usable && !trouble_.empty()) {
    ops::log::info(options_.phrases.possible, {{"redis", client_.address()}});
  }
  usable_ = usable;
  trouble_ = usable ? std::string() : why;
  options_.on_usable(usable, why);
}

}  // namespace redis_store
