#include "ledger/redis/link.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "ledger/redis/library.hpp"
#include "ops/log.hpp"

namespace ledger {

namespace {

namespace asio = boost::asio;
using redis::kCallTime;
using std::chrono::milliseconds;

/// Everything of the ledger lies in one slot of a cluster.
constexpr const char* kStateKey = "{counter-app}:v1:state";
constexpr milliseconds kLoadTime{10'000};
const std::string kNoDigest(40, '0');

constexpr redis_store::Phrases kPhrases{
    .impossible = "pressing is not possible now",
    .possible = "pressing is possible again",
    .risky =
        "Redis may lose acknowledged presses: it neither syncs every write "
        "(appendonly yes, appendfsync always) nor has replicas that confirm them"};

// Plain functions, because GCC 12 goes wrong about lists in braces inside coroutines.

redis::Error surprising(std::string_view what) {
  return {redis::Failure::refused,
          {},
          "Redis gave a reply to " + std::string(what) + " that this program does not understand"};
}

void tell_made(const Standing& at) {
  ops::log::warning("made the ledger in Redis", {{"changes", at.changes}});
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
    : StoreLink(executor, {.url = options.url,
                           .key = kStateKey,
                           .channel = options.channel,
                           .name = options.name,
                           .phrases = kPhrases,
                           .on_usable = events.on_usable}),
      options_(options),
      events_(std::move(events)),
      replica_(base::to_hex(base::random_u64())) {
  follower_.reset({0, 0, kNoDigest});
}

template <class... Words>
redis::Command Link::function(std::string_view name, const Words&... words) const {
  return redis::command("FCALL", std::string("pc2_").append(name), "1", kStateKey, words...);
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
  if (reply->elements.size() != 3) co_return surprising("pc2_press");
  const auto changes = base::parse_number<std::uint64_t>(reply->elements[2].text);
  if (!changes) co_return surprising("pc2_press");
  follow(reply->elements[1].text);
  // What was pressed here may come after something that was not heard of yet. Only what is in
  // memory here can be made again where Redis is lost, so nothing else is acknowledged.
  const bool followed = co_await follow_until([this, epoch, changes = *changes] {
    const auto& at = follower_.at();
    return at.epoch != epoch       ? std::optional(false)
           : at.changes >= changes ? std::optional(true)
                                   : std::nullopt;
  });
  if (!followed) co_return not_followed();
  co_return reply->elements[0].text;
}

// --- Keeping ----------------------------------------------------------------------------------

asio::awaitable<bool> Link::prepare() {
  auto library = redis::command("FUNCTION", "LOAD", "REPLACE", kLibraryText);
  const auto loaded = co_await client_.ask_one(std::move(library), kLoadTime);
  if (!loaded) co_return fail(loaded.error().message);
  auto there = co_await look();
  if (!there && is_empty(there.error())) {
    co_await make_again();
    there = co_await look();
  }
  if (!there) co_return fail(there.error().message);
  loaded_ = false;
  co_return true;
}

asio::awaitable<std::optional<bool>> Link::catch_up() {
  if (loaded_) co_return std::nullopt;
  co_return co_await load();
}

Link::Called<Standing> Link::look() {
  const auto reply = co_await client_.ask_one(function("look"), kCallTime);
  if (!reply) co_return reply.error();
  const auto there = standing_in(*reply);
  if (!there) co_return surprising("pc2_look");
  co_return *there;
}

asio::awaitable<bool> Link::load() {
  loaded_ = true;  // unless something happens meanwhile
  const auto reply = co_await client_.ask_one(function("load"), kLoadTime);
  if (!reply) {
    loaded_ = false;
    look_again_after(reply.error());
    co_return fail(reply.error().message);
  }
  const auto there = standing_in(*reply);
  const auto counters = counters_in(*reply);
  if (!there || !counters) {
    loaded_ = false;
    co_return fail(surprising("pc2_load").message);
  }
  follower_.reset(*there);
  seen_changes_ = there->changes;
  values_.clear();
  for (const auto& [name, value] : *counters) values_.emplace(name, value);
  events_.on_loaded(*counters);
  tell_followed();
  co_return true;
}

asio::awaitable<bool> Link::beat() {
  echo_.next();
  auto beat = redis::command("PUBLISH", options_.channel, "b " + replica_);
  const auto said = co_await client_.ask_one(std::move(beat), kCallTime);
  co_return said.ok();
}

asio::awaitable<void> Link::compare() {
  const auto before = follower_.at();
  const auto there = co_await look();
  if (!there) co_return look_again_after(there.error());
  const bool lost = there->epoch != before.epoch || there->changes < before.changes ||
                    (there->changes == before.changes && there->digest != before.digest);
  const bool missed = follower_.at().changes < std::exchange(seen_changes_, there->changes);
  if (lost || missed) loaded_ = false;
}

asio::awaitable<void> Link::try_write() {
  auto empty =
      function("press", options_.channel, replica_ + "/probe", follower_.at().epoch, ++probes_, 0);
  const auto pressed = co_await writes_.write(std::move(empty));
  if (!pressed) look_again_after(pressed.error());
}

/// The ledger is gone, or was never there: whoever knows most makes it again.
asio::awaitable<void> Link::make_again() {
  fail("there is no ledger in Redis yet");
  const auto wait = wait_for_others(options_.rebuild_wait, follower_.at().epoch > 0);
  while (going_on()) {
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

void Link::on_message(std::string_view text) {
  if (text.starts_with("b ")) {
    if (text.substr(2) == replica_) echo_.hear(echo_.newest(), Clock::now());
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
  moved();
  if (changed.empty()) return;
  for (const auto& [name, value] : changed) values_.insert_or_assign(name, value);
  events_.on_changed(changed);
}

/// Redis was wiped, or replaced by another that does not have the library.
void Link::look_again_after(const redis::Error& error) {
  if (error.kind != redis::Failure::refused) return;
  prepare_again(error.message);
}

}  // namespace ledger
