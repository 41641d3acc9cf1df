#include "ledger/redis/link.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "ledger/redis/library.hpp"
#include "ops/log.hpp"
#include "redis/scope.hpp"

namespace ledger {

namespace {

namespace asio = boost::asio;
using redis::kCallTime;
using std::chrono::milliseconds;

using redis::kAwait;

/// Everything of the ledger lies in one slot of a cluster.
constexpr const char* kStateKey = "{counter-app}:v1:state";
constexpr milliseconds kLoadTime{10'000};
constexpr milliseconds kProbeEvery{500};
constexpr milliseconds kRetry{100};
// How long what was pressed here waits for what was pressed elsewhere before it.
constexpr milliseconds kFollowWithin{5'000};
constexpr milliseconds kMuteAfter{1'200};
// Everybody is back within one wait of connecting again; so many give the slowest room.
constexpr int kReturnsAwaited = 3;
const std::string kNoDigest(40, '0');

// Plain functions, because GCC 12 goes wrong about lists in braces inside coroutines.

redis::Error surprising(std::string_view what) {
  return {redis::Failure::refused,
          {},
          "Redis gave a reply to " + std::string(what) + " that this program does not understand"};
}

void tell_made(const Standing& at) {
  ops::log::warning("made the ledger in Redis", {{"changes", at.changes}});
}

void tell_mute() { ops::log::warning("the subscription to Redis is mute: making it again", {}); }

void warn_of_loss(const std::string& address) {
  ops::log::warning(
      "Redis may lose acknowledged presses: it neither syncs every write "
      "(appendonly yes, appendfsync always) nor has replicas that confirm them",
      {{"redis", address}});
}

/// "epoch", "changes", "digest" at the beginning of an array.
std::optional<Standing> standing_in(const redis::Reply& reply) {
  if (reply.elements.size() < 3) return std::nullopt;
  const auto epoch = base::parse_number<std::uint64_t>(reply.elements[0].text);
  const auto changes = base::parse_number<std::uint64_t>(reply.elements[1].text);
  if (!epoch || !changes) return std::nullopt;
  return Standing{*epoch, *changes, reply.elements[2].text};
}

/// The names and values behind them.
std::optional<std::vector<Counter>> counters_in(const redis::Reply& reply) {
  std::vector<Counter> counters;
  for (std::size_t i = 3; i + 1 < reply.elements.size(); i += 2) {
    const auto value = base::parse_number<std::int64_t>(reply.elements[i + 1].text);
    if (!value) return std::nullopt;
    counters.push_back({reply.elements[i].text, *value});
  }
  return counters;
}

redis::Error not_followed() {
  return {redis::Failure::unknown, {}, "was pressed, but not followed"};
}

bool is_empty(const redis::Error& error) { return error.code == "EMPTY"; }

}  // namespace

Link::Link(const asio::any_io_executor& executor, const RedisOptions& options, LinkEvents events)
    : options_(options),
      events_(std::move(events)),
      replica_(base::to_hex(base::random_u64())),
      executor_(executor),
      client_(executor,
              {.url = options.url,
               .key = kStateKey,
               .name = options.name,
               .on_state = [this](bool up, const std::string& why) { on_connected(up, why); }}),
      subscriber_(executor, {.url = options.url,
                             .key = kStateKey,
                             .channel = options.channel,
                             .name = options.name + "/live",
                             .on_state =
                                 [this](bool up, const std::string&) {
                                   listen_anew();
                                   if (up) loaded_ = false;  // what was said meanwhile was missed
                                   wake();
                                 },
                             .on_message = [this](std::string_view text) { on_message(text); }}),
      writes_(client_, options.url.kind),
      wake_(executor),
      followed_(executor) {
  follower_.reset({0, 0, kNoDigest});
}

template <class... Words>
redis::Command Link::function(std::string_view name, const Words&... words) const {
  return redis::command("FCALL", std::string("pc1_").append(name), "1", kStateKey, words...);
}

asio::awaitable<void> Link::run() {
  next_probe_ = Clock::now();
  listen_anew();
  co_await keep();
  client_.stop();
  subscriber_.stop();
  co_await client_.stopped();
  co_await subscriber_.stopped();
}

void Link::stop() {
  stopping_ = true;
  wake();
  followed_.cancel();
}

Link::Called<std::string> Link::press(std::uint64_t epoch, std::uint64_t number,
                                      std::vector<std::string> arguments) {
  auto command = function("press", options_.channel, replica_, epoch, number);
  std::ranges::move(arguments, std::back_inserter(command));
  const auto reply = co_await writes_.write(std::move(command));
  if (!reply) {
    look_again_after(reply.error());
    tell_doubt();
    co_return reply.error();
  }
  if (reply->elements.size() != 3) co_return surprising("pc1_press");
  const auto changes = base::parse_number<std::uint64_t>(reply->elements[2].text);
  if (!changes) co_return surprising("pc1_press");
  follow(reply->elements[1].text);
  const bool followed = co_await followed_to(epoch, *changes);
  if (!followed) co_return not_followed();
  co_return reply->elements[0].text;
}

/// Waits until the follower stands there: what was pressed here may come after something that was
/// not heard of yet. Only what is in memory here can be made again where Redis is lost, so nothing
/// else is acknowledged. False: it never will, or not soon.
asio::awaitable<bool> Link::followed_to(std::uint64_t epoch, std::uint64_t changes) {
  const auto end = Clock::now() + kFollowWithin;
  while (!stopping_ && follower_.at().epoch == epoch && Clock::now() < end) {
    if (follower_.at().changes >= changes) co_return true;
    followed_.expires_at(end);
    co_await followed_.async_wait(kAwait);
  }
  co_return false;
}

// --- Keeping ----------------------------------------------------------------------------------

/// One thing after the other, so that none of them meets a state that another has half changed.
asio::awaitable<void> Link::keep() {
  while (!stopping_) {
    const milliseconds pause = co_await next_step();
    if (pause > milliseconds(0)) co_await sleep(pause);
  }
}

/// Does what is to be done first; returns how long to wait before the next step.
asio::awaitable<milliseconds> Link::next_step() {
  if (!connected_) co_return kProbeEvery;
  if (!prepared_) {
    const bool done = co_await prepare();
    co_return done ? milliseconds(0) : kRetry;
  }
  if (!loaded_) {
    const bool done = co_await load();
    co_return done ? milliseconds(0) : kRetry;
  }
  if (writes_.doubt().empty()) set_usable(true, {});
  const auto now = Clock::now();
  if (now >= next_probe_) {
    next_probe_ = now + kProbeEvery;
    co_await probe();
    co_return milliseconds(0);
  }
  if (!writes_.doubt().empty()) {
    co_await try_press();
    co_return writes_.doubt().empty() ? milliseconds(0) : kRetry;
  }
  co_return std::chrono::ceil<milliseconds>(next_probe_ - now);
}

/// Sooner when there is something to do.
asio::awaitable<void> Link::sleep(milliseconds time) {
  if (stopping_) co_return;
  wake_.expires_after(time);
  co_await wake_.async_wait(kAwait);
}

asio::awaitable<bool> Link::prepare() {
  const auto connection = writes_.connections();
  // First, because a master that was left behind takes nothing, the library neither.
  const bool learned = co_await learn(true);
  if (!learned) co_return false;
  auto library = redis::command("FUNCTION", "LOAD", "REPLACE", kLibraryText);
  const auto loaded = co_await client_.ask_one(std::move(library), kLoadTime);
  if (!loaded) co_return failed(loaded.error());
  auto there = co_await look();
  if (!there && is_empty(there.error())) {
    co_await make_again();
    there = co_await look();
  }
  if (!there) co_return failed(there.error());
  loaded_ = false;
  prepared_ = connection == writes_.connections();
  co_return prepared_;
}

asio::awaitable<bool> Link::learn(bool anew) {
  const auto learned = co_await writes_.learn(anew);
  if (!learned) {
    if (!learned.error().message.empty()) co_return failed(learned.error());
    co_return false;
  }
  if (anew && writes_.is_risky()) warn_of_loss(client_.address());
  co_return true;
}

Link::Called<Standing> Link::look() {
  const auto reply = co_await client_.ask_one(function("look"), kCallTime);
  if (!reply) co_return reply.error();
  const auto there = standing_in(*reply);
  if (!there) co_return surprising("pc1_look");
  co_return *there;
}

asio::awaitable<bool> Link::load() {
  loaded_ = true;  // unless something happens meanwhile
  const auto reply = co_await client_.ask_one(function("load"), kLoadTime);
  if (!reply) {
    loaded_ = false;
    look_again_after(reply.error());
    co_return failed(reply.error());
  }
  const auto there = standing_in(*reply);
  const auto counters = counters_in(*reply);
  if (!there || !counters) {
    loaded_ = false;
    co_return failed(surprising("pc1_load"));
  }
  follower_.reset(*there);
  seen_changes_ = there->changes;
  values_.clear();
  for (const auto& [name, value] : *counters) values_.emplace(name, value);
  events_.on_loaded(*counters);
  tell_followed();
  co_return true;
}

/// Twice a second: does what I publish come back, and am I where the ledger is?
asio::awaitable<void> Link::probe() {
  auto beat = redis::command("PUBLISH", options_.channel, "b " + replica_);
  const auto said = co_await client_.ask_one(std::move(beat), kCallTime);
  if (!said) co_return;
  ++beats_;
  if (heard_beats_ < beats_ && Clock::now() - listening_since_ > kMuteAfter) {
    tell_mute();
    listen_anew();
    subscriber_.restart();
  }
  co_await writes_.look();
  tell_doubt();
  const auto before = follower_.at();
  const auto there = co_await look();
  if (!there) co_return look_again_after(there.error());
  const bool lost = there->epoch != before.epoch || there->changes < before.changes ||
                    (there->changes == before.changes && there->digest != before.digest);
  const bool missed = follower_.at().changes < std::exchange(seen_changes_, there->changes);
  if (lost || missed) loaded_ = false;
}

/// Whether what is pressed becomes durable again, found out with nothing to press.
asio::awaitable<void> Link::try_press() {
  const bool learned = co_await learn(false);
  if (!learned) co_return;
  auto empty =
      function("press", options_.channel, replica_ + "/probe", follower_.at().epoch, ++probes_, 0);
  const auto pressed = co_await writes_.write(std::move(empty));
  if (!pressed) look_again_after(pressed.error());
}

/// The ledger is gone, or was never there: whoever knows most makes it again.
asio::awaitable<void> Link::make_again() {
  set_usable(false, "there is no ledger in Redis yet");
  // Who saw the ledger knows that others did, too, and may be on their way back here.
  const bool remembers = follower_.at().epoch > 0;
  const auto wait = remembers ? kReturnsAwaited * options_.rebuild_wait : options_.rebuild_wait;
  while (!stopping_ && connected_) {
    auto offer =
        function("offer", replica_, follower_.at().epoch, follower_.at().changes, wait.count());
    const auto answer = co_await client_.ask_one(std::move(offer), kCallTime);
    if (!answer || answer->text == "exists") co_return;
    if (answer->text == "make") {
      const auto made = co_await client_.ask_one(make_command(), kLoadTime);
      if (made && made->text == "made") co_return tell_made(follower_.at());
    }
    co_await sleep(std::min(kRetry, options_.rebuild_wait));
  }
}

redis::Command Link::make_command() const {
  const auto& at = follower_.at();
  auto command = function("make", replica_, at.epoch + 1, at.changes, at.digest);
  for (const auto& [name, value] : values_) {
    command.push_back(name);
    command.push_back(std::to_string(value));
  }
  return command;
}

// --- Hearing ----------------------------------------------------------------------------------

void Link::on_connected(bool connected, const std::string& why) {
  connected_ = connected;
  writes_.connection_changed();
  if (connected) {
    ops::log::info("connected to Redis", {{"redis", why}});
    // Another master, or one that was restarted, may not hold what was seen.
    prepared_ = false;
  } else {
    set_usable(false, why);
  }
  wake();
}

void Link::listen_anew() {
  listening_since_ = Clock::now();
  heard_beats_ = beats_;
}

void Link::on_message(std::string_view text) {
  if (text.starts_with("b ")) {
    if (text.substr(2) != replica_) return;
    heard_beats_ = beats_ + 1;  // it may be heard before it is known to be published
    listening_since_ = Clock::now();
    return;
  }
  follow(text);
}

void Link::follow(std::string_view text) {
  auto change = decode_change(text);
  if (!change) return;
  if (follower_.offer(std::move(*change)) == Follower::Verdict::diverged) {
    loaded_ = false;
    wake();
  }
  tell_followed();
}

void Link::tell_followed() {
  const auto changed = follower_.take();
  followed_.cancel();
  if (changed.empty()) return;
  for (const auto& [name, value] : changed) values_.insert_or_assign(name, value);
  events_.on_changed(changed);
}

/// Redis was wiped, or replaced by another that does not have the library.
void Link::look_again_after(const redis::Error& error) {
  if (error.kind != redis::Failure::refused) return;
  prepared_ = false;
  set_usable(false, error.message);
  wake();
}

bool Link::failed(const redis::Error& error) {
  set_usable(false, error.message);
  return false;
}

/// Pressing is not possible until something that was written becomes durable again.
void Link::tell_doubt() {
  if (writes_.doubt().empty()) return;
  set_usable(false, writes_.doubt());
  wake();
}

void Link::set_usable(bool usable, const std::string& why) {
  if (usable == usable_ && why == trouble_) return;
  if (!usable && why != trouble_) {
    ops::log::warning("pressing is not possible now", {{"why", why}});
  } else if (usable && !trouble_.empty()) {
    ops::log::info("pressing is possible again", {{"redis", client_.address()}});
  }
  usable_ = usable;
  trouble_ = usable ? std::string() : why;
  events_.on_usable(usable, why);
}

}  // namespace ledger
