#include "journal/redis/canvas_link.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "ops/log.hpp"

namespace journal {

namespace {

namespace asio = boost::asio;

constexpr redis_store::Phrases kPhrases{
    .impossible = "placing is not possible now",
    .possible = "placing is possible again",
    .risky =
        "Redis may lose acknowledged placements: it neither syncs every write "
        "(appendonly yes, appendfsync always) nor has replicas that confirm them"};

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

}  // namespace

CanvasLink::CanvasLink(const asio::any_io_executor& executor, const RedisOptions& options,
                       LinkEvents events)
    : StoreLink(executor, {.url = options.url,
                           .key = kStateKey,
                           .channel = options.channel,
                           .name = options.name,
                           .phrases = kPhrases,
                           .on_usable = events.on_usable}),
      options_(options),
      events_(std::move(events)),
      replica_(base::random_u64() | 1),
      functions_(client_, kStateKey, options.channel),
      board_(options.size, options.blank_color) {}

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
asio::awaitable<bool> CanvasLink::followed_to(canvas::Position position) {
  // What was accepted in an earlier epoch, and is known to Redis in this one, is a part of it.
  if (position.epoch < follower_.at().position.epoch) co_return true;
  co_return co_await follow_until([this, position] {
    const auto& at = follower_.at().position;
    if (at.epoch != position.epoch) return std::optional(false);
    return at.offset >= position.offset ? std::optional(true) : std::nullopt;
  });
}

asio::awaitable<std::optional<bool>> CanvasLink::catch_up() {
  if (!loaded_) co_return co_await load();
  if (doubt_) co_return co_await check_epoch();
  if (gap_) co_return co_await fill();
  co_return std::nullopt;
}

// --- Following --------------------------------------------------------------------------------

/// Redis was wiped, or replaced by another that does not have the library.
void CanvasLink::look_again_after(const CallError& error) {
  if (error.kind != CallFailure::empty && error.kind != CallFailure::refused) return;
  prepare_again(error.message);
}

void CanvasLink::on_message(std::string_view bytes) {
  auto message = decode_message(bytes);
  if (!message) return;
  if (auto* record = std::get_if<Record>(&*message)) {
    if (loaded_) follow(std::move(*record));
  } else if (const auto* changed = std::get_if<RulesChanged>(&*message)) {
    take_rules(changed->rules, changed->version);
  } else {
    hear(std::get<Presence>(*message));
  }
}

void CanvasLink::hear(const Presence& presence) {
  const auto now = Clock::now();
  if (presence.replica == replica_) {
    echo_.hear(presence.number, now);
  } else {
    others_.hear(presence, now);
  }
  others_.forget_silent(now);
  events_.on_online(others_.online());
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
  moved();
}

/// Reads from the log what was not published, or not heard.
asio::awaitable<bool> CanvasLink::fill() {
  gap_ = false;
  while (!stopping()) {
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

asio::awaitable<bool> CanvasLink::beat() {
  const Presence presence{.replica = replica_, .number = echo_.next(), .online = online_};
  const auto said = co_await functions_.publish(encode_presence(presence));
  co_return said.ok();
}

asio::awaitable<void> CanvasLink::compare() {
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

asio::awaitable<void> CanvasLink::try_write() { static_cast<void>(co_await append({})); }

void CanvasLink::take_rules(const canvas::Rules& rules, std::uint64_t version) {
  if (!std::exchange(rules_anew_, false) && version <= rules_version_) return;
  rules_version_ = version;
  rules_ = rules;
  events_.on_rules(rules);
}

}  // namespace journal
