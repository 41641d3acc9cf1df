#include "journal/redis/canvas_link.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "ops/log.hpp"

namespace journal {

namespace {

namespace asio = boost::asio;
namespace limits = base::limits;
using std::chrono::milliseconds;

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kAwait{};

constexpr milliseconds kProbeEvery{500};
// Two probes that did not come back: the subscription is mute. With the next look: 1.5 s at most.
constexpr milliseconds kMuteAfter{800};
constexpr milliseconds kOtherGoneAfter{5'000};
constexpr milliseconds kRetry{100};
// How long a gap in what was published is left to the next message before the log is read.
constexpr milliseconds kFollowWithin{5'000};
constexpr std::size_t kLogPage = 1'000;

// What is said in the log. Plain functions, because GCC 12 goes wrong about lists in braces inside
// coroutines.

CallError other_size(const canvas::Size& found) {
  return {CallFailure::refused, "the canvas in Redis is " + std::to_string(found.width) + " x " +
                                    std::to_string(found.height) +
                                    ", not as CANVAS_WIDTH and CANVAS_HEIGHT say"};
}

void warn_of_loss(const std::string& address) {
  ops::log::warning(
      "Redis may lose acknowledged placements: it neither syncs every write "
      "(appendonly yes, appendfsync always) nor has replicas that confirm them",
      {{"redis", address}});
}

void tell_made(const canvas::Position& position) {
  ops::log::warning("made the canvas in Redis",
                    {{"epoch", position.epoch + 1}, {"offset", position.offset}});
}

void tell_ended(const canvas::Position& seen) {
  ops::log::warning("history was lost: a new epoch begins",
                    {{"seen_epoch", seen.epoch}, {"seen_offset", seen.offset}});
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
                         mute_since_ = Clock::now();
                         if (up) gap_ = true;  // what was said meanwhile was not heard
                         wake();
                       },
                   .on_message = [this](std::string_view message) { on_message(message); }}),
      functions_(client_, kStateKey, options.channel),
      board_(options.size, options.blank_color),
      wake_(executor),
      followed_(executor) {}

Called<canvas::Charges> CanvasLink::charges(base::PersonId person) {
  co_return co_await functions_.charges(person);
}

Called<base::Done> CanvasLink::set_rules(const canvas::Rules& rules) {
  co_return co_await functions_.set_rules(rules);
}

Called<std::vector<canvas::Answer>> CanvasLink::append(
    std::span<const canvas::Operation> operations) {
  const auto confirm = confirm_replicas();
  auto appended = co_await functions_.append(operations, confirm);
  if (!appended) {
    look_again_after(appended.error());
    co_return appended.error();
  }
  if (appended->record) follow(std::move(*appended->record));
  if (appended->confirmed_by < confirm) {
    co_return CallError{CallFailure::unknown, "too few replicas have confirmed"};
  }
  canvas::Position last;
  for (const auto& answer : appended->answers) {
    if (const auto* accepted = std::get_if<canvas::Accepted>(&answer)) {
      if (accepted->position.epoch == follower_.at().position.epoch &&
          accepted->position.offset > last.offset) {
        last = accepted->position;
      }
    }
  }
  co_await until_followed(last);
  co_return std::move(appended->answers);
}

/// What was appended here may follow something that was not heard of yet.
asio::awaitable<void> CanvasLink::until_followed(const canvas::Position& position) {
  const auto end = Clock::now() + kFollowWithin;
  while (!stopping_ && follower_.at().position.epoch == position.epoch &&
         follower_.at().position.offset < position.offset && Clock::now() < end) {
    followed_.expires_at(end);
    co_await followed_.async_wait(kAwait);
  }
}

asio::awaitable<void> CanvasLink::run() {
  next_probe_ = mute_since_ = Clock::now();
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
    co_return done ? milliseconds(0) : kRetry;
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
  set_usable(true, {});
  const auto now = Clock::now();
  if (now < next_probe_) co_return std::chrono::ceil<milliseconds>(next_probe_ - now);
  next_probe_ = now + kProbeEvery;
  co_await probe();
  co_return milliseconds(0);
}

/// Sooner when there is something to do.
asio::awaitable<void> CanvasLink::sleep(milliseconds time) {
  if (stopping_) co_return;
  wake_.expires_after(time);
  co_await wake_.async_wait(kAwait);
}

void CanvasLink::wake() { wake_.cancel(); }

// --- Loading ----------------------------------------------------------------------------------

/// After every connection: what this program needs of the server, and whose canvas it holds.
asio::awaitable<bool> CanvasLink::prepare() {
  const auto loaded = co_await functions_.load_library();
  if (!loaded) co_return failed(loaded.error());
  const auto durability = co_await functions_.durability();
  if (!durability) co_return failed(durability.error());
  replicas_ = durability->replicas;
  auto state = co_await functions_.state();
  if (!state && state.error().kind == CallFailure::empty) {
    co_await make_again();
    state = co_await functions_.state();
  }
  if (!state) co_return failed(state.error());
  if (state->size != options_.size) {
    co_return failed(other_size(state->size));
  }
  take_rules(state->rules, state->rules_version);
  // The newest start wins: a changed setting takes effect with the first program that has it.
  if (!std::exchange(rules_set_, true) && state->rules != options_.rules) {
    const auto set = co_await functions_.set_rules(options_.rules);
    if (!set) co_return failed(set.error());
  }
  if (!durability->synced && confirm_replicas() == 0) {
    warn_of_loss(client_.address());
  }
  replication_id_ = state->replication_id;
  loaded_ = loaded_ && state->at.position.epoch == follower_.at().position.epoch;
  doubt_ = loaded_;
  prepared_ = true;
  co_return true;
}

bool CanvasLink::failed(const CallError& error) {
  set_usable(false, error.message);
  return false;
}

asio::awaitable<bool> CanvasLink::load() {
  auto standing = co_await functions_.snapshot(options_.size);
  if (!standing) co_return failed(standing.error());
  auto recent = co_await load_recent(standing->at);
  if (!recent) co_return failed(recent.error());
  loaded_ = true;
  doubt_ = false;
  gap_ = true;  // the canvas has gone on meanwhile
  board_ = std::move(standing->board);
  follower_.reset(standing->at, std::move(recent->entries), recent->base_digest);
  Start start{board_, standing->at.position, standing->at.digest, {}};
  start.tail.reserve(follower_.recent().size());
  for (const auto& recorded : follower_.recent()) start.tail.push_back(recorded.entry);
  events_.on_loaded(std::move(start));
  followed_.cancel();
  co_return true;
}

/// The newest entries of the epoch, ending at `until`.
Called<CanvasLink::Recent> CanvasLink::load_recent(Standpoint until) {
  Recent recent{.entries = {}, .base_digest = until.digest};
  auto& entries = recent.entries;
  while (entries.size() < limits::kTailEntriesMax) {
    auto page = co_await functions_.read_log_back(until.position, kLogPage);
    if (!page) co_return page.error();
    for (Record& record : *page) {
      const bool fits = record.end() == until.position && record.digest == until.digest;
      if (!fits || record.entries.empty() || !fill_digests(record)) co_return recent;
      entries.insert(entries.begin(), std::make_move_iterator(record.entries.begin()),
                     std::make_move_iterator(record.entries.end()));
      recent.base_digest = record.base_digest;
      until = {{record.epoch, record.base}, record.base_digest};
    }
    if (page->size() < kLogPage) break;
  }
  while (entries.size() > limits::kTailEntriesMax) {
    recent.base_digest = entries.front().entry.digest;
    entries.pop_front();
  }
  co_return recent;
}

/// The canvas is gone, or was never there: whoever remembers most makes it again.
asio::awaitable<void> CanvasLink::make_again() {
  set_usable(false, "there is no canvas in Redis yet");
  const StandingBoard best = candidate();
  const auto name = base::to_hex(replica_);
  while (!stopping_ && connected_) {
    const auto answer = co_await functions_.offer(name, best.at.position, options_.rebuild_wait);
    if (!answer || *answer == OfferAnswer::exists) co_return;
    if (*answer == OfferAnswer::adopt) {
      std::vector<RecordedEntry> recent;
      if (follower_.at() == best.at) {
        const auto archived =
            options_.history != nullptr ? options_.history->archived() : canvas::Position{};
        for (const auto& recorded : follower_.recent()) {
          const bool kept =
              archived.epoch == best.at.position.epoch && recorded.entry.offset <= archived.offset;
          if (!kept) recent.push_back(recorded);
        }
      }
      const auto from =
          recent.empty() ? best.at.digest : follower_.digest_at(recent.front().entry.offset - 1);
      const auto made = co_await functions_.adopt(name, best, options_.rules, recent, from);
      if (made && *made) co_return tell_made(best.at.position);
    }
    co_await sleep(std::min(kRetry, options_.rebuild_wait));
  }
}

/// The newest board that is known here: in memory, or in the history.
StandingBoard CanvasLink::candidate() {
  StandingBoard best{{{1, 0}, 0}, canvas::Board(options_.size, options_.blank_color)};
  if (follower_.at().position.epoch > 0) best = {follower_.at(), board_};
  if (options_.history != nullptr) {
    auto archived = options_.history->newest_board();
    const auto later = [](const canvas::Position& a, const canvas::Position& b) {
      return a.epoch != b.epoch ? a.epoch > b.epoch : a.offset > b.offset;
    };
    if (archived && *archived && later((*archived)->at.position, best.at.position)) {
      best = std::move(**archived);
    }
  }
  return best;
}

// --- Following --------------------------------------------------------------------------------

void CanvasLink::on_connected(bool connected, const std::string& why) {
  connected_ = connected;
  if (connected) {
    ops::log::info("connected to Redis", {{"redis", why}});
    // Another master, or one that was restarted, may not hold what was seen.
    prepared_ = false;
  } else {
    set_usable(false, why);
  }
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
    on_presence(std::get<Presence>(*message));
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
  const Presence presence{.replica = replica_, .number = ++probes_, .online = online_};
  auto said = co_await functions_.publish(encode_presence(presence));
  if (!said) co_return;
  if (probes_heard_ + 1 >= probes_) {
    mute_since_ = Clock::now();
  } else if (Clock::now() - mute_since_ > kMuteAfter) {
    tell_mute();
    mute_since_ = Clock::now();
    subscriber_.restart();
  }
  auto state = co_await functions_.state();
  if (!state) co_return look_again_after(state.error());
  take_rules(state->rules, state->rules_version);
  const auto& at = follower_.at();
  if (state->at.position.epoch != at.position.epoch) {
    loaded_ = false;
  } else if (state->at.position.offset < at.position.offset ||
             state->replication_id != replication_id_) {
    replication_id_ = state->replication_id;
    doubt_ = true;
  } else if (state->at.position.offset > at.position.offset) {
    gap_ = true;
  }
}

// --- Others -----------------------------------------------------------------------------------

void CanvasLink::on_presence(const Presence& presence) {
  const auto now = Clock::now();
  if (presence.replica == replica_) {
    probes_heard_ = std::max(probes_heard_, presence.number);
    mute_since_ = now;
  } else if (others_.size() < limits::kReplicasMax || others_.contains(presence.replica)) {
    others_[presence.replica] = {presence.online, now};
  }
  std::erase_if(others_,
                [&](const auto& other) { return now - other.second.heard > kOtherGoneAfter; });
  std::uint32_t elsewhere = 0;
  for (const auto& [id, other] : others_) elsewhere += other.online;
  events_.on_online(elsewhere);
}

void CanvasLink::take_rules(const canvas::Rules& rules, std::uint64_t version) {
  if (version <= rules_version_) return;
  rules_version_ = version;
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

std::int64_t CanvasLink::confirm_replicas() const {
  if (options_.confirm_replicas) return *options_.confirm_replicas;
  const bool replicated = options_.url.kind != redis::Url::Kind::single || replicas_ > 0;
  return replicated ? 1 : 0;
}

}  // namespace journal
