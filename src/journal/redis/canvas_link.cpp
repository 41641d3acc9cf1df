#include "journal/redis/canvas_link.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "ops/log.hpp"
#include "redis/scope.hpp"

namespace journal {

namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

using redis::kAwait;

constexpr milliseconds kProbeEvery{500};
constexpr milliseconds kRetryMax{400};
// How long a gap in what was published is left to the next message before the log is read.
constexpr milliseconds kFollowWithin{5'000};

// Plain functions, because GCC 12 goes wrong about lists in braces inside coroutines.

void tell_ended(const canvas::Position& seen) {
  ops::log::warning("history was lost: a new epoch begins",
                    {{"seen_epoch", seen.epoch}, {"seen_offset", seen.offset}});
}

canvas::Position newest_of(const std::vector<canvas::Answer>& answers) {
  canvas::Position newest;
  for (const auto& answer : answers) {
    const auto* accepted = std::get_if<canvas::Accepted>(&answer);
    if (accepted != nullptr && newest < accepted->position) newest = accepted->position;
  }
  return newest;
}

void tell_mute() { ops::log::warning("the subscription to Redis is mute: making it again", {}); }

}  // namespace

CanvasLink::CanvasLink(const asio::any_io_executor& executor, const RedisOptions& options,
                       LinkEvents events)
    : options_(options),
      events_(std::move(events)),
      replica_(base::random_u64() | 1),
      executor_(executor),
      client_(executor,
              {.url = options.url,
               .key = kStateKey,
               .name = options.name,
               .on_state = [this](bool up, const std::string& why) { on_connected(up, why); }}),
      subscriber_(executor,
                  {.url = options.url,
                   .key = kStateKey,
                   .channel = options.channel,
                   .name = options.name + "/live",
                   .on_state =
                       [this](bool up, const std::string&) {
                         heartbeat_.listen_anew(Clock::now());
                         if (up) gap_ = true;  // what was said meanwhile was not heard
                         wake();
                       },
                   .on_message = [this](std::string_view message) { on_message(message); }}),
      writes_(client_, options.url.kind),
      functions_(client_, kStateKey, options.channel),
      board_(options.size, options.blank_color),
      wake_(executor),
      followed_(executor),
      heartbeat_(replica_) {}

Called<canvas::Charges> CanvasLink::charges(base::PersonId person) {
  co_return co_await functions_.charges(person);
}

Called<std::vector<canvas::Answer>> CanvasLink::append(
    std::span<const canvas::Operation> operations) {
  const auto epoch = follower_.at().position.epoch;
  auto appended = co_await functions_.append(operations, writes_);
  if (!appended) {
    look_again_after(appended.error());
    tell_doubt();
    co_return appended.error();
  }
  if (appended->record) follow(std::move(*appended->record));
  if (epoch != follower_.at().position.epoch) {
    co_return CallError{CallFailure::unknown, "the epoch has changed meanwhile"};
  }
  const bool followed = co_await followed_to(newest_of(appended->answers));
  if (!followed) co_return CallError{CallFailure::unknown, "was appended, but not followed"};
  co_return std::move(appended->answers);
}

/// Waits until the follower stands there: what was appended here may come after something that was
/// not heard of yet. Only what is in memory here can be made again where Redis is lost, so nothing
/// else is acknowledged. False: it never will, or not soon.
asio::awaitable<bool> CanvasLink::followed_to(const canvas::Position& position) {
  const auto end = Clock::now() + kFollowWithin;
  const auto epoch = follower_.at().position.epoch;
  // What was accepted in an earlier epoch, and is known to Redis in this one, is a part of it.
  if (position.epoch < epoch) co_return true;
  while (!stopping_ && position.epoch == follower_.at().position.epoch && Clock::now() < end) {
    if (follower_.at().position.offset >= position.offset) co_return true;
    followed_.expires_at(end);
    co_await followed_.async_wait(kAwait);
  }
  co_return false;
}

asio::awaitable<void> CanvasLink::run() {
  next_probe_ = Clock::now();
  heartbeat_.listen_anew(next_probe_);
  co_await keep();
  client_.stop();
  subscriber_.stop();
  co_await client_.stopped();
  co_await subscriber_.stopped();
}

void CanvasLink::stop() {
  stopping_ = true;
  wake();
  followed_.cancel();
}

/// One thing after the other, so that none of them meets a state that another has half changed.
asio::awaitable<void> CanvasLink::keep() {
  while (!stopping_) {
    const milliseconds pause = co_await next_step();
    if (pause > milliseconds(0)) co_await sleep(pause);
  }
}

/// Does what is to be done first; returns how long to wait before the next step.
asio::awaitable<milliseconds> CanvasLink::next_step() {
  if (!connected_) co_return kProbeEvery;
  if (!prepared_) {
    const bool done = co_await prepare();
    if (done) prepare_again_ = kRetry;
    const auto longer = std::min(2 * prepare_again_, kRetryMax);
    co_return done ? milliseconds(0) : std::exchange(prepare_again_, longer);
  }
  if (!loaded_) {
    const bool done = co_await load();
    co_return done ? milliseconds(0) : kRetry;
  }
  if (doubt_) {
    const bool done = co_await check_epoch();
    co_return done ? milliseconds(0) : kRetry;
  }
  if (gap_) {
    const bool done = co_await fill();
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
    co_await try_append();
    co_return writes_.doubt().empty() ? milliseconds(0) : kRetry;
  }
  co_return std::chrono::ceil<milliseconds>(next_probe_ - now);
}

/// Sooner when there is something to do.
asio::awaitable<void> CanvasLink::sleep(milliseconds time) {
  if (stopping_) co_return;
  wake_.expires_after(time);
  co_await wake_.async_wait(kAwait);
}

void CanvasLink::wake() { wake_.cancel(); }

// --- Following --------------------------------------------------------------------------------

void CanvasLink::on_connected(bool connected, const std::string& why) {
  connected_ = connected;
  writes_.connection_changed();
  if (connected) {
    ops::log::info("connected to Redis", {{"redis", why}});
    // Another master, or one that was restarted, may not hold what was seen.
    prepared_ = false;
    prepare_again_ = kRetry;
  } else {
    set_usable(false, why);
  }
  wake();
}

/// Placing is not possible until something that was appended becomes durable again.
void CanvasLink::tell_doubt() {
  if (writes_.doubt().empty()) return;
  set_usable(false, writes_.doubt());
  wake();
}

/// Redis was wiped, or replaced by another that does not have the library.
void CanvasLink::look_again_after(const CallError& error) {
  if (error.kind != CallFailure::empty && error.kind != CallFailure::refused) return;
  prepared_ = false;
  set_usable(false, error.message);
  wake();
}

void CanvasLink::on_message(std::string_view bytes) {
  auto message = decode_message(bytes);
  if (!message) return;
  if (auto* record = std::get_if<Record>(&*message)) {
    if (loaded_) follow(std::move(*record));
  } else if (const auto* changed = std::get_if<RulesChanged>(&*message)) {
    take_rules(changed->rules, changed->version);
  } else {
    heartbeat_.hear(std::get<Presence>(*message), Clock::now());
    events_.on_online(heartbeat_.elsewhere());
  }
}

void CanvasLink::follow(Record record) {
  switch (follower_.offer(record)) {
    case Follower::Verdict::applied:
      return commit(record.entries);
    case Follower::Verdict::known:
      return;
    case Follower::Verdict::gap:
      gap_ = true;
      break;
    case Follower::Verdict::diverged:
      doubt_ = true;
      break;
    case Follower::Verdict::later:
      loaded_ = false;
      break;
  }
  wake();
}

void CanvasLink::commit(std::span<const RecordedEntry> entries) {
  std::vector<canvas::Entry> plain;
  plain.reserve(entries.size());
  for (const auto& recorded : entries) {
    plain.push_back(recorded.entry);
    board_.apply(recorded.entry);
  }
  events_.on_committed(plain);
  followed_.cancel();
}

/// Reads from the log what was not published, or not heard.
asio::awaitable<bool> CanvasLink::fill() {
  gap_ = false;
  while (!stopping_) {
    auto page = co_await functions_.read_log(follower_.at().position, kLogPage);
    if (!page) {
      gap_ = true;
      co_return false;
    }
    for (Record& record : *page) {
      // Not the next one: the log was trimmed, or is another's.
      if (record.epoch == follower_.at().position.epoch &&
          record.base > follower_.at().position.offset) {
        loaded_ = false;
        co_return true;
      }
      follow(std::move(record));
    }
    if (page->size() < kLogPage || gap_ || doubt_ || !loaded_) break;
  }
  co_return true;
}

/// "Does the journal still hold what I have seen?" If it does not, this ends the epoch.
asio::awaitable<bool> CanvasLink::check_epoch() {
  const auto check = co_await functions_.end_epoch(follower_.at());
  if (!check) {
    look_again_after(check.error());
    co_return false;
  }
  doubt_ = false;
  if (*check == EpochCheck::ended) tell_ended(follower_.at().position);
  if (*check == EpochCheck::held) {
    gap_ = true;
  } else {
    loaded_ = false;
  }
  co_return true;
}

/// Two questions twice a second: does what I publish come back, and am I where the journal is?
asio::awaitable<void> CanvasLink::probe() {
  auto said = co_await functions_.publish(encode_presence(heartbeat_.next()));
  if (!said) co_return;
  if (heartbeat_.is_mute(Clock::now())) {
    tell_mute();
    subscriber_.restart();
  }
  co_await writes_.look();
  tell_doubt();
  auto state = co_await functions_.state();
  if (!state) co_return look_again_after(state.error());
  take_rules(state->rules, state->rules_version);
  const auto& at = follower_.at();
  const auto& there = state->at;
  const bool same_epoch = there.position.epoch == at.position.epoch;
  const bool same_offset = there.position.offset == at.position.offset;
  if (there.position.epoch > at.position.epoch) {
    loaded_ = false;
  } else if (!same_epoch || there.position.offset < at.position.offset ||
             (same_offset && there.digest != at.digest) ||
             state->replication_id != replication_id_) {
    replication_id_ = state->replication_id;
    doubt_ = true;
  } else if (state->at.position.offset > at.position.offset) {
    gap_ = true;
  }
}

/// Whether what is appended becomes durable again, found out with nothing to append.
asio::awaitable<void> CanvasLink::try_append() {
  const bool learned = co_await learn_confirmers(false);
  if (learned) static_cast<void>(co_await append({}));
}

// --- Others -----------------------------------------------------------------------------------

void CanvasLink::take_rules(const canvas::Rules& rules, std::uint64_t version) {
  if (!std::exchange(rules_anew_, false) && version <= rules_version_) return;
  rules_version_ = version;
  rules_ = rules;
  events_.on_rules(rules);
}

void CanvasLink::set_usable(bool usable, const std::string& why) {
  if (usable == usable_ && why == trouble_) return;
  if (!usable && why != trouble_) {
    ops::log::warning("placing is not possible now", {{"why", why}});
  } else if (usable && !trouble_.empty()) {
    ops::log::info("placing is possible again", {{"redis", client_.address()}});
  }
  usable_ = usable;
  trouble_ = usable ? std::string() : why;
  events_.on_usable(usable, why);
}

}  // namespace journal
