// How the link comes to a canvas: looks at the server, loads what is there, makes it again where it
// was lost.
#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "journal/redis/canvas_link.hpp"
#include "ops/log.hpp"

namespace journal {

namespace {

namespace asio = boost::asio;
namespace limits = base::limits;

// Plain functions, because GCC 12 goes wrong about lists in braces inside coroutines.

std::string other_size(const canvas::Size& found) {
  return "the canvas in Redis is " + std::to_string(found.width) + " x " +
         std::to_string(found.height) + ", not as CANVAS_WIDTH and CANVAS_HEIGHT say";
}

RulesChange all_of(const canvas::Rules& rules) {
  return {rules.cooldown_ms, rules.charges_max, rules.frozen};
}

void tell_made(const canvas::Position& position) {
  ops::log::warning("made the canvas in Redis",
                    {{"epoch", position.epoch + 1}, {"offset", position.offset}});
}

}  // namespace

/// After every connection: what this program needs of the server, and whose canvas it holds.
asio::awaitable<bool> CanvasLink::prepare() {
  const auto loaded = co_await functions_.load_library();
  if (!loaded) co_return fail(loaded.error().message);
  rules_anew_ = true;
  auto state = co_await functions_.state();
  if (!state && state.error().kind == CallFailure::empty) {
    co_await make_again();
    state = co_await functions_.state();
  }
  if (!state) co_return fail(state.error().message);
  if (state->size != options_.size) {
    co_return fail(other_size(state->size));
  }
  // A changed setting takes effect with the first program that has it; what an operator has turned
  // since the last start stays.
  if (!settings_told_) {
    const auto told = co_await functions_.apply_settings(options_.rules);
    if (!told) co_return fail(told.error().message);
    settings_told_ = true;
    state = co_await functions_.state();
    if (!state) co_return fail(state.error().message);
  }
  take_rules(state->rules, state->rules_version);
  replication_id_ = state->replication_id;
  // Only a later epoch means to begin anew; in an earlier one history was lost.
  const auto seen_epoch = follower_.at().position.epoch;
  loaded_ = seen_epoch > 0 && state->at.position.epoch <= seen_epoch;
  doubt_ = loaded_;
  co_return true;
}

asio::awaitable<bool> CanvasLink::load() {
  auto standing = co_await functions_.snapshot(options_.size);
  if (!standing) co_return fail(standing.error().message);
  auto recent = co_await load_recent(standing->at);
  if (!recent) co_return fail(recent.error().message);
  loaded_ = true;
  doubt_ = false;
  gap_ = true;  // the canvas has gone on meanwhile
  board_ = std::move(standing->board);
  follower_.reset(standing->at, std::move(recent->entries), recent->base_digest);
  Start start{board_, standing->at.position, standing->at.digest, {}};
  start.tail.reserve(follower_.recent().size());
  for (const auto& recorded : follower_.recent()) start.tail.push_back(recorded.entry);
  events_.on_loaded(std::move(start));
  moved();
  co_return true;
}

/// The newest entries of the epoch, ending at `until`.
Called<CanvasLink::Recent> CanvasLink::load_recent(canvas::Standing until) {
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
  fail("there is no canvas in Redis yet");
  const canvas::StandingBoard best = candidate();
  const auto wait = wait_for_others(options_.rebuild_wait, follower_.at().position.epoch > 0);
  const auto name = base::to_hex(replica_);
  while (going_on()) {
    const auto answer = co_await functions_.offer(name, best.at.position, wait);
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
      const auto made = co_await functions_.adopt(
          name, best, options_.rules, std::max<std::uint64_t>(rules_version_, 1), recent, from);
      if (made && *made) {
        tell_made(best.at.position);
        co_return co_await turn_back_rules();
      }
    }
    co_await sleep(std::min(kRetry, options_.rebuild_wait));
  }
}

/// What an operator had turned holds in the canvas that was made again, too.
asio::awaitable<void> CanvasLink::turn_back_rules() {
  const auto before = rules_;
  while (going_on() && before && *before != options_.rules) {
    const auto set = co_await functions_.change_rules(all_of(*before));
    if (set || set.error().kind == CallFailure::empty) co_return;
    co_await sleep(kRetry);
  }
}

/// The newest board that is known here: in memory, or in the history.
canvas::StandingBoard CanvasLink::candidate() {
  canvas::StandingBoard best{{{1, 0}, 0}, canvas::Board(options_.size, options_.blank_color)};
  if (follower_.at().position.epoch > 0) best = {follower_.at(), board_};
  if (options_.history != nullptr) {
    auto archived = options_.history->newest_board();
    if (archived && *archived && best.at.position < (*archived)->at.position) {
      best = std::move(**archived);
    }
  }
  return best;
}

}  // namespace journal
