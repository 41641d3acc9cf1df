#include "service/pixel_battle.hpp"

#include <algorithm>
#include <array>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace service {

namespace {

namespace limits = base::limits;

constexpr std::array<std::string_view, static_cast<std::size_t>(canvas::kLastRefusal)>
    kRefusalNames = {"cooldown", "frozen",      "outside", "bad_color", "not_signed_in",
                     "stale",    "unavailable", "busy",    "banned"};

}  // namespace

std::string_view name_of(canvas::Refusal reason) {
  return kRefusalNames.at(static_cast<std::size_t>(reason) - 1);
}

PixelBattle::PixelBattle(Settings settings, journal::Journal& journal, LiveCanvas& live,
                         const auth::TokenSigner& tokens,
                         std::optional<auth::TelegramVerifier> telegram,
                         ops::CanvasMetrics& metrics)
    : settings_(std::move(settings)),
      journal_(journal),
      live_(live),
      tokens_(tokens),
      telegram_(std::move(telegram)),
      metrics_(metrics),
      per_person_(limits::kRequestsPerPersonPerSecond, 2 * limits::kRequestsPerPersonPerSecond),
      guests_per_address_(settings_.guests_per_address_per_minute / 60,
                          2 * settings_.guests_per_address_per_minute) {
  for (const auto name : kRefusalNames) refused_.push_back(metrics_.placements_refused.with(name));
}

NewSession PixelBattle::new_session(auth::Person person) const {
  const auto expires_at_ms = base::wall_ms() + settings_.session_ttl_ms;
  return {tokens_.sign(person, expires_at_ms), expires_at_ms, std::move(person)};
}

base::Result<NewSession, SignInError> PixelBattle::sign_in_guest() const {
  if (!settings_.guests) return SignInError::guests_disabled;
  return new_session(auth::new_guest());
}

base::Result<NewSession, SignInError> PixelBattle::sign_in_telegram(
    std::string_view init_data) const {
  if (!telegram_) return SignInError::telegram_disabled;
  auto person = telegram_->verify(init_data, base::wall_ms());
  if (!person) {
    return person.error() == auth::InitDataError::expired ? SignInError::expired
                                                          : SignInError::invalid;
  }
  return new_session(std::move(person).value());
}

base::Result<auth::VerifiedToken, auth::TokenError> PixelBattle::verify(
    std::string_view token) const {
  return tokens_.verify(token, base::wall_ms());
}

std::int64_t PixelBattle::ask(const auth::Person& person) {
  return per_person_.take(static_cast<std::uint64_t>(base::number(person.id)), base::steady_ns());
}

std::int64_t PixelBattle::ask_for_guest(std::string_view address) {
  return guests_per_address_.take(address, base::steady_ns());
}

std::optional<canvas::Refusal> PixelBattle::not_on_canvas(const Placing& placing) const {
  const auto size = live_.size();
  if (placing.x < 0 || placing.y < 0 || placing.x >= size.width || placing.y >= size.height) {
    return canvas::Refusal::outside;
  }
  if (placing.color < 0 || std::cmp_greater_equal(placing.color, settings_.palette.size())) {
    return canvas::Refusal::bad_color;
  }
  return std::nullopt;
}

/// Of a placement that is on the canvas.
canvas::Operation PixelBattle::operation(const auth::Person& person, const Placing& placing) {
  return {.person = person.id,
          .producer = placing.producer,
          .sequence = placing.sequence,
          .x = static_cast<std::uint16_t>(placing.x),
          .y = static_cast<std::uint16_t>(placing.y),
          .color = static_cast<std::uint8_t>(placing.color),
          .name = person.name};
}

void PixelBattle::count(const canvas::Answer& answer, std::int64_t asked_ns) const {
  if (const auto* refused = std::get_if<canvas::Refused>(&answer)) {
    refused_[static_cast<std::size_t>(refused->reason) - 1].add();
  } else {
    metrics_.placements_accepted.add();
    metrics_.placement_seconds.observe(static_cast<double>(base::steady_ns() - asked_ns) * 1e-9);
  }
}

wire::Welcome PixelBattle::welcome() const {
  const auto rules = journal_.rules();
  const auto standing = live_.standing();
  return {.width = live_.size().width,
          .height = live_.size().height,
          .palette = {settings_.palette.begin(), settings_.palette.end()},
          .cooldown_ms = rules.cooldown_ms,
          .charges_max = static_cast<std::uint16_t>(std::min(rules.charges_max, 65'535U)),
          .frozen = rules.frozen,
          .guests = settings_.guests,
          .telegram = telegram(),
          .position = standing.position,
          .digest = standing.digest,
          .time_ms = static_cast<std::uint64_t>(base::wall_ms()),
          .served_by = settings_.served_by};
}

}  // namespace service
