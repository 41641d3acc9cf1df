#include "service/player_session.hpp"

#include <algorithm>

namespace service {

namespace {

namespace limits = base::limits;

constexpr std::int64_t kBusyWaitMs = 100;

}  // namespace

PlayerMetrics::PlayerMetrics(ops::CanvasMetrics& metrics)
    : malformed(metrics.messages_received.with("malformed")) {
  for (const auto* type : {"hello", "resume", "sign_in", "place", "ping"}) {
    received.push_back(metrics.messages_received.with(type));
  }
  for (const auto* why : {"other_epoch", "too_old", "digest_differs", "ahead"}) {
    snapshots_needed.push_back(metrics.snapshots_needed.with(why));
  }
}

PlayerSession::PlayerSession(PixelBattle& game, const PlayerMetrics& metrics, Outlet& outlet)
    : game_(game), metrics_(metrics), outlet_(outlet) {}

void PlayerSession::on_message(std::string_view message) {
  const auto decoded = wire::decode_client(message);
  const bool is_hello = decoded && std::holds_alternative<wire::Hello>(*decoded);
  if (!decoded || is_hello == greeted_) {  // hello comes first, and once
    metrics_.malformed.add();
    outlet_.close(wire::CloseCode::malformed);
    return;
  }
  metrics_.received[decoded->index()].add();
  if (!pay(*decoded)) {
    outlet_.close(wire::CloseCode::limit);
    return;
  }
  std::visit([this](const auto& known) { on(known); }, *decoded);
}

bool PlayerSession::pay(const wire::ClientMessage& message) {
  const bool costly = std::holds_alternative<wire::Resume>(message) ||
                      std::holds_alternative<wire::SignIn>(message);
  const auto now_ns = base::steady_ns();
  const double earned = static_cast<double>(now_ns - paid_ns_) * 1e-9 * limits::kMessagesPerSecond;
  paid_ns_ = now_ns;
  budget_ =
      std::min(budget_ + earned, limits::kMessagesBurst) - (costly ? limits::kCostlyMessage : 1);
  return budget_ >= 0;
}

void PlayerSession::on(const wire::Hello& hello) {
  if (hello.version != wire::kVersion) {
    outlet_.close(wire::CloseCode::version);
    return;
  }
  greeted_ = true;
  outlet_.greet();
  outlet_.send(wire::encode(game_.welcome()));
}

void PlayerSession::on(const wire::Resume& resume) {
  if (const auto why = game_.live().refuses({resume.position, resume.digest})) {
    outlet_.stop_feed();
    metrics_.snapshots_needed[static_cast<std::size_t>(*why) - 1].add();
    const auto now = game_.live().standing().position;
    outlet_.send(wire::encode(wire::SnapshotNeeded{*why, now}));
    return;
  }
  outlet_.go_live(resume.position.offset);
}

void PlayerSession::on(const wire::SignIn& sign_in) {
  auto verified = game_.verify(sign_in.token);
  if (!verified) {
    person_.reset();
    outlet_.send(wire::encode(wire::SignInRefused{verified.error() == auth::TokenError::expired
                                                      ? wire::SignInReason::expired
                                                      : wire::SignInReason::invalid}));
    return;
  }
  producer_ = sign_in.producer;
  token_expires_at_ms_ = verified->expires_at_ms;
  person_ = std::move(verified->person);
  const auto outlet = outlet_.shared_from_this();
  // If the journal is too busy to be asked, the next placement will tell.
  const canvas::Charges unknown{game_.journal().rules().charges_max, 0};
  game_.journal().charges(person_->id, [outlet, unknown, id = person_->id,
                                        name = person_->name](const auto& found) {
    const auto charges = found ? found.value() : unknown;
    auto message =
        wire::encode(wire::SignedIn{id, static_cast<std::uint16_t>(std::min(charges.left, 65'535U)),
                                    charges.next_charge_ms, name});
    outlet->post([outlet = outlet.get(), message = std::move(message)] { outlet->send(message); });
  });
}

void PlayerSession::on(const wire::Place& place) {
  if (person_ && token_expires_at_ms_ <= base::wall_ms()) person_.reset();
  if (!person_) {
    refuse(place.sequence, {.reason = canvas::Refusal::not_signed_in});
    return;
  }
  if (unanswered_ >= limits::kUnansweredMax) {
    refuse(place.sequence, {.reason = canvas::Refusal::busy, .wait_ms = kBusyWaitMs});
    return;
  }
  if (const auto wait_ms = game_.ask(*person_); wait_ms > 0) {
    refuse(place.sequence,
           {.reason = canvas::Refusal::busy, .wait_ms = static_cast<std::uint32_t>(wait_ms)});
    return;
  }
  ++unanswered_;
  const Placing placing{.producer = producer_,
                        .sequence = place.sequence,
                        .x = place.x,
                        .y = place.y,
                        .color = place.color};
  game_.place(*person_, placing,
              [this, outlet = outlet_.shared_from_this(),
               sequence = place.sequence](const canvas::Answer& answered) {
                // The session lives as long as its outlet, and post() runs only while that does.
                outlet->post([this, sequence, answered] { answer(sequence, answered); });
              });
}

void PlayerSession::on(const wire::Ping& ping) {
  const auto time_ms = static_cast<std::uint64_t>(base::wall_ms());
  outlet_.send(wire::encode(wire::Pong{ping.nonce, time_ms}));
}

void PlayerSession::refuse(std::uint32_t sequence, const canvas::Refused& refused) {
  outlet_.send(wire::encode_answer(sequence, refused));
}

void PlayerSession::answer(std::uint32_t sequence, const canvas::Answer& answered) {
  --unanswered_;
  outlet_.send(wire::encode_answer(sequence, answered));
}

}  // namespace service
