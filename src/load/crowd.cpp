#include "load/crowd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.hpp"
#include "base/hash.hpp"

namespace load {

namespace {

constexpr std::int64_t kSilenceNs = 35 * base::kSecondNs;  // docs/protocol.md: presence
constexpr std::int64_t kBackoffMaxNs = 30 * base::kSecondNs;
constexpr std::int64_t kBackoffNs = base::kSecondNs / 2;
constexpr unsigned kAttemptsMax = 6;  // that make the backoff longer
constexpr std::int64_t kAgainMsMin = 50;
constexpr std::size_t kFaultsTold = 10;
constexpr unsigned kTooMany = 429;

const std::string kConnect = "connect and resume";
const std::string kConnection = "connection";
const std::string kDeltas = "deltas";

/// Those that docs/protocol.md calls a bug or an exceeded limit.
bool is_error(const Ending& ending) {
  if (ending.kind == Ending::Kind::refused) {
    return ending.code >= 400 && ending.code < 500 && ending.code != kTooMany;
  }
  if (ending.kind == Ending::Kind::not_connected) {
    return ending.code == EMFILE || ending.code == ENFILE || ending.code == EADDRNOTAVAIL;
  }
  constexpr std::array kCodes = {1002U, 1003U, 1007U, 1008U, 1009U, 4000U, 4001U, 4004U};
  return ending.kind == Ending::Kind::sign_in_refused ||
         (ending.kind == Ending::Kind::closed && std::ranges::count(kCodes, ending.code) > 0);
}

std::string words_of(const Ending& ending) {
  switch (ending.kind) {
    case Ending::Kind::not_connected:
      if (ending.code == EADDRNOTAVAIL) return "this machine has no local port left";
      return std::string("not connected: ") + std::strerror(static_cast<int>(ending.code));
    case Ending::Kind::refused:
      return "the upgrade was answered with " + std::to_string(ending.code);
    case Ending::Kind::closed:
      return "closed with " + std::to_string(ending.code);
    case Ending::Kind::malformed:
      return "broken framing";
    case Ending::Kind::snapshot_needed:
      return "a new board was needed";
    case Ending::Kind::sign_in_refused:
      return "sign-in was refused";
    case Ending::Kind::dropped:
      return "dropped after a fault or silence";
    default:
      return "lost";
  }
}

constexpr std::array<std::string_view, 10> kReasons = {
    "?",     "cooldown",    "frozen", "outside", "bad_color", "not_signed_in",
    "stale", "unavailable", "busy",   "banned"};

std::string words_of(canvas::Refusal reason) {
  const auto number = static_cast<std::size_t>(reason);
  return "refused: " + std::string(kReasons[number < kReasons.size() ? number : 0]);
}

std::uint32_t index_of(const Client& client, const wire::Place& place) {
  return std::uint32_t{place.y} * client.welcome().width + place.x;
}

}  // namespace

Crowd::Crowd(Endpoint endpoint, CrowdOptions options, Checker& checker, Account& account,
             Record& record)
    : options_(std::move(options)),
      checker_(checker),
      account_(account),
      record_(record),
      seen_(record.beside(kWebSocket, kSeen)),
      seen_by_all_(record.beside(kWebSocket, kSeenByAll)),
      swarm_(std::move(endpoint), *this),
      painters_(options_.tokens.size(), options_.rate),
      members_(options_.clients),
      watches_(options_.tokens.size()),
      random_(base::random_u64()),
      began_ns_(base::steady_ns()) {}

// --- What is due --------------------------------------------------------------------------------

void Crowd::work() {
  const auto now_ns = base::steady_ns();
  if (!winding_down_) add_clients(now_ns);
  bring_back(now_ns);
  while (const auto index = painters_.due(now_ns)) paint(*index, now_ns);
  if (now_ns - looked_ns_ > base::kSecondNs) look_for_silence(now_ns);
  most_live_ = std::max(most_live_, swarm_.ready());
}

void Crowd::add_clients(std::int64_t now_ns) {
  const auto passed_s = static_cast<double>(now_ns - began_ns_) * 1e-9;
  const auto wanted = std::min(static_cast<double>(options_.clients), 1 + passed_s * options_.ramp);
  while (static_cast<double>(swarm_.size() + 1) <= wanted) {
    const auto index = swarm_.size();
    members_[index].began_ns = now_ns;
    ClientOptions options;
    if (index < options_.tokens.size()) {
      options.token = options_.tokens[index];
      options.producer = base::ProducerId{random_() | 1};  // not zero
    }
    swarm_.open(std::move(options));
  }
}

void Crowd::bring_back(std::int64_t now_ns) {
  while (!away_.empty() && away_.top().first <= now_ns) {
    const auto index = away_.top().second;
    away_.pop();
    members_[index].began_ns = now_ns;
    swarm_.reopen(swarm_.client(index));
  }
}

void Crowd::look_for_silence(std::int64_t now_ns) {
  looked_ns_ = now_ns;
  for (std::size_t i = 0; i < swarm_.size(); ++i) {
    auto& client = swarm_.client(i);
    if (client.connected() && now_ns - client.heard_ns() > kSilenceNs) swarm_.drop(client);
  }
}

void Crowd::wind_down() {
  winding_down_ = true;
  painters_.stop();
  decltype(away_) back;
  for (; !away_.empty(); away_.pop()) back.emplace(0, away_.top().second);
  away_ = std::move(back);
}

std::size_t Crowd::behind(const canvas::Position& position) const {
  return static_cast<std::size_t>(std::ranges::count_if(members_, [&](const Member& member) {
    const auto& at = member.reader.position;
    return member.lives && (at.epoch != position.epoch || at.offset < position.offset);
  }));
}

// --- Faults -------------------------------------------------------------------------------------

void Crowd::fault(const Fault& found) {
  ++faults_;
  record_.failure(kWebSocket, kDeltas, 0, found.what);
  if (first_faults_.size() < kFaultsTold) {
    first_faults_.push_back(found.what + ": " + found.detail);
  }
}

/// The client goes on where it stood, on another connection.
void Crowd::fault(Client& client, const Fault& found) {
  fault(found);
  swarm_.drop(client);
}

void Crowd::error(const std::string& name, const std::string& what) {
  record_.failure(kWebSocket, name, 0, what);
}

// --- Connections --------------------------------------------------------------------------------

canvas::Standing Crowd::stands_at(Client& client) {
  auto& member = members_[client.index()];
  auto& reader = member.reader;
  const canvas::Standing servers{client.welcome().position, client.welcome().digest};
  if (const auto found = checker_.stands(servers)) fault(*found);
  if (reader.position.epoch != 0) return reader;
  // As if it had loaded the one board, so that there is always somebody to move that on.
  const auto& board = checker_.standing();
  const bool leads_on = servers.position.epoch == board.position.epoch &&
                        servers.position.offset >= board.position.offset;
  reader = leads_on && !member.sent_away ? board : servers;
  return reader;
}

void Crowd::on_signed_in(Client& client, const wire::SignedIn& signed_in) {
  painters_.charged(client.index(), signed_in.charges, signed_in.next_charge_ms, swarm_.now_ns());
}

void Crowd::on_ready(Client& client) {
  auto& member = members_[client.index()];
  member.lives = true;
  member.sent_away = false;
  member.attempts = 0;
  member.drain_ms = 0;
  record_.answer(kWebSocket, kConnect, swarm_.now_ns() - member.began_ns);
  record_.served_by(client.welcome().served_by);
  if (!is_painter(client)) return;
  auto& painter = painters_[client.index()];
  painter.ready = true;
  // What has no answer is asked again under its number, before anything new.
  if (painter.pending) painter.pending->again_ns = 0;
}

void Crowd::on_notice(Client& client, const wire::Notice& notice) {
  if (notice.kind == wire::NoticeKind::draining) {
    members_[client.index()].drain_ms = std::max(notice.value, 1U);
  }
}

/// The client begins anew where the server stands when it is back.
void Crowd::on_snapshot_needed(Client& client, const wire::SnapshotNeeded& needed) {
  ++boards_needed_;
  auto& member = members_[client.index()];
  member.reader = {};
  member.sent_away = true;
  if (needed.why == wire::SnapshotReason::digest) {
    fault({"another history", "a server does not know the digest that another gave a client"});
  }
}

void Crowd::on_closed(Client& client, const Ending& ending) {
  if (ended_) return;
  auto& member = members_[client.index()];
  reconnects_ += member.lives ? 1 : 0;
  member.lives = false;
  if (is_painter(client)) {
    auto& painter = painters_[client.index()];
    painter.ready = false;
    if (painter.pending) painter.pending->again_ns.reset();
  }
  const auto words = words_of(ending);
  ++endings_[words];
  if (ending.kind == Ending::Kind::malformed)
    fault({words, "a client was sent what is no message"});
  if (ending.kind == Ending::Kind::refused && ending.code == kTooMany) record_.wait_asked();
  if (is_error(ending)) error(kConnection, words);
  if (ending.kind == Ending::Kind::sign_in_refused) return;  // it would be again
  away_.emplace(swarm_.now_ns() + wait_ns(member, ending), client.index());
}

/// How long a client stays away, as docs/protocol.md has it.
std::int64_t Crowd::wait_ns(Member& member, const Ending& ending) {
  const auto within = [this](std::int64_t limit_ns) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(limit_ns + 1));
  };
  const bool first = member.attempts == 0;
  if (ending.kind == Ending::Kind::snapshot_needed && first) {
    ++member.attempts;
    return 0;
  }
  if (member.drain_ms > 0) return within(std::exchange(member.drain_ms, 0) * base::kMsNs);
  if (ending.kind == Ending::Kind::closed && ending.code == 1008) return kBackoffMaxNs;
  const auto limit_ns = winding_down_ ? kBackoffNs : kBackoffMaxNs;
  const auto backoff_ns = within(std::min(limit_ns, kBackoffNs << member.attempts));
  if (member.attempts < kAttemptsMax) ++member.attempts;
  return std::max(backoff_ns, ending.retry_after_s * base::kSecondNs);
}

// --- What clients hear --------------------------------------------------------------------------

void Crowd::on_delta(Client& client, std::string_view message) {
  auto& member = members_[client.index()];
  const auto from = member.reader.position.offset;
  const auto seen = checker_.delta(member.reader, message);
  if (seen.fault) return fault(client, *seen.fault);
  const auto offset = member.reader.position.offset;
  if (seen.news != nullptr) {
    slot_sent_ns_[seen.slot] = sightings_.oldest_ns(from, offset, *seen.news);
    if (const auto broken = checker_.take_fault()) fault(*broken);
  }
  if (const auto sent_ns = slot_sent_ns_[seen.slot]; sent_ns != 0 && offset != from) {
    seen_by_all_.add(swarm_.now_ns() - sent_ns);
  }
  if (is_painter(client) && offset != from) watch(client.index(), offset);
}

void Crowd::on_accepted(Client& client, const wire::AcceptedMessage& accepted) {
  if (!is_painter(client)) return fault(client, {"an answer to nobody", "a watcher was answered"});
  auto& painter = painters_[client.index()];
  painters_.charged(client.index(), accepted.charges, accepted.next_charge_ms, swarm_.now_ns());
  if (!painter.pending || painter.pending->place.sequence != accepted.sequence) {
    return fault(client, {"an answer to nobody", "nothing with its number was open"});
  }
  const auto pending = *painter.pending;
  settle(client.index());
  const auto index = index_of(client, pending.place);
  const canvas::Position position{members_[client.index()].reader.position.epoch, accepted.offset};
  record_.answer(kWebSocket, kAcknowledged, swarm_.now_ns() - pending.sent_ns);
  record_.served_by(client.welcome().served_by);
  if (const auto problem = account_.acknowledged(position, index, pending.place.color)) {
    fault({"one position twice", *problem});
  }
  checker_.acknowledged(position, index);
  if (const auto broken = checker_.take_fault()) fault(*broken);
  show_own(watches_[client.index()], accepted.offset, pending.sent_ns);
}

void Crowd::on_refused(Client& client, const wire::RefusedMessage& refused) {
  if (!is_painter(client)) return fault(client, {"an answer to nobody", "a watcher was answered"});
  auto& painter = painters_[client.index()];
  painters_.charged(client.index(), refused.charges, refused.wait_ms, swarm_.now_ns());
  if (!painter.pending || painter.pending->place.sequence != refused.sequence) {
    return fault(client, {"an answer to nobody", "nothing with its number was open"});
  }
  record_.failure(kWebSocket, kAcknowledged, swarm_.now_ns() - painter.pending->sent_ns,
                  words_of(refused.reason));
  const bool same_again =
      refused.reason == canvas::Refusal::unavailable || refused.reason == canvas::Refusal::busy;
  if (same_again) {
    const auto wait_ms = std::max<std::int64_t>(refused.wait_ms, kAgainMsMin);
    painter.pending->again_ns = swarm_.now_ns() + wait_ms * base::kMsNs;
    return;
  }
  sightings_.refused(index_of(client, painter.pending->place));
  settle(client.index());
}

// --- Painting -----------------------------------------------------------------------------------

void Crowd::paint(std::size_t index, std::int64_t now_ns) {
  auto& client = swarm_.client(index);
  auto& painter = painters_[index];
  if (painter.pending) {
    painter.pending->again_ns.reset();
    client.send(painter.pending->place);
    return;
  }
  const auto& welcome = client.welcome();
  wire::Place place;
  place.x = static_cast<std::uint16_t>(random_() % welcome.width);
  place.y = static_cast<std::uint16_t>(random_() % welcome.height);
  place.color = static_cast<std::uint8_t>(random_() % welcome.palette.size());
  place.sequence = client.place(place.x, place.y, place.color);
  painter.pending = Pending{.place = place, .sent_ns = now_ns, .again_ns = {}};
  account_.asked();
  sightings_.sent(index_of(client, place), now_ns);
}

void Crowd::settle(std::size_t index) {
  painters_[index].pending.reset();
  account_.settled();
}

/// A painter's own board has moved: what of its own does it see now?
void Crowd::watch(std::size_t index, std::uint64_t offset) {
  auto& watch = watches_[index];
  watch.passed[watch.next++ % watch.passed.size()] = {offset, swarm_.now_ns()};
  std::erase_if(watch.unseen, [&](const Unseen& one) {
    if (one.offset > offset) return false;
    seen_.add(swarm_.now_ns() - one.sent_ns);
    return true;
  });
}

/// A placement was acknowledged; the delta with it may have come before.
void Crowd::show_own(Watch& watch, std::uint64_t offset, std::int64_t sent_ns) {
  std::int64_t at_ns = 0;
  for (const auto& one : watch.passed) {
    if (one.offset >= offset && (at_ns == 0 || one.at_ns < at_ns)) at_ns = one.at_ns;
  }
  if (at_ns == 0) {
    watch.unseen.push_back({offset, sent_ns});
  } else {
    seen_.add(std::max<std::int64_t>(at_ns - sent_ns, 0));
  }
}

}  // namespace load
