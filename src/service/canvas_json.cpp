#include "service/canvas_json.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "service/flat_json.hpp"

namespace service {

namespace {

Reply bad_request(std::string_view message) { return error_reply(400, "bad_request", message); }

/// The body as an object with exactly these members.
base::Result<FlatObject, Reply> parse_object(std::string_view body,
                                             std::span<const std::string_view> members) {
  auto object = parse_flat_object(body);
  if (!object) {
    switch (object.error()) {
      case FlatError::not_json:
        return error_reply(400, "bad_json", "The body is not valid JSON.");
      case FlatError::not_an_object:
        return bad_request("The body must be a JSON object.");
      case FlatError::repeated_member:
        return bad_request("The body has a member twice.");
    }
  }
  for (const auto member : members) {
    if (!object->contains(member)) {
      return bad_request("The member \"" + std::string(member) + "\" is missing.");
    }
  }
  if (object->size() != members.size()) return bad_request("The body has unknown members.");
  return std::move(object).value();
}

void put_member(std::string& out, std::string_view name, std::string_view json_text) {
  out.append(out.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(json_text);
}

template <std::integral T>
void put_member(std::string& out, std::string_view name, T number) {
  put_member(out, name, std::string_view(std::to_string(number)));
}

void put_member(std::string& out, std::string_view name, bool value) {
  put_member(out, name, std::string_view(value ? "true" : "false"));
}

std::string user_json(base::PersonId id, std::string_view name) {
  std::string out = "{";
  put_member(out, "id", json_string(std::to_string(base::number(id))));
  put_member(out, "name", json_string(name));
  return out + "}";
}

std::string palette_json(std::span<const canvas::Color> palette) {
  std::string out = "[";
  for (const auto& color : palette) {
    const std::array bytes = {static_cast<char>(color.red), static_cast<char>(color.green),
                              static_cast<char>(color.blue)};
    auto hex = base::to_hex(std::string_view(bytes.data(), bytes.size()));
    std::ranges::transform(hex, hex.begin(), [](char c) { return c >= 'a' ? char(c - 32) : c; });
    out += (out.size() > 1 ? ",\"#" : "\"#") + hex + "\"";
  }
  return out + "]";
}

std::string constants_json(const PixelBattle& game) {
  const auto& settings = game.settings();
  std::string out = "{";
  put_member(out, "name", json_string(settings.canvas_name));
  put_member(out, "width", game.live().size().width);
  put_member(out, "height", game.live().size().height);
  put_member(out, "palette", palette_json(settings.palette));
  put_member(out, "color_bits", canvas::color_bits(settings.palette.size()));
  put_member(out, "guests", settings.guests);
  put_member(out, "telegram", game.telegram());
  if (!settings.telegram_url.empty()) {
    put_member(out, "telegram_url", json_string(settings.telegram_url));
  }
  put_member(out, "served_by", json_string(settings.served_by));
  put_member(out, "version", json_string(settings.version));
  return out;
}

}  // namespace

base::Result<PixelBody, Reply> parse_pixel(std::string_view body) {
  constexpr std::array<std::string_view, 3> kMembers = {"x", "y", "color"};
  auto object = parse_object(body, kMembers);
  if (!object) return object.error();
  std::array<std::int64_t, 3> numbers{};
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    const auto* number = std::get_if<std::int64_t>(&object->find(kMembers[i])->second);
    if (number == nullptr) {
      return bad_request("The member \"" + std::string(kMembers[i]) + "\" must be a whole number.");
    }
    numbers[i] = *number;
  }
  return PixelBody{numbers[0], numbers[1], numbers[2]};
}

base::Result<std::string, Reply> parse_init_data(std::string_view body) {
  constexpr std::array<std::string_view, 1> kMembers = {"init_data"};
  auto object = parse_object(body, kMembers);
  if (!object) return object.error();
  auto* text = std::get_if<std::string>(&object->find("init_data")->second);
  if (text == nullptr) return bad_request("The member \"init_data\" must be a string.");
  return std::move(*text);
}

base::ProducerId producer_of(std::string_view idempotency_key) {
  if (!is_idempotency_key(idempotency_key)) return {};
  const auto digest = base::sha256("idempotency key " + std::string(idempotency_key));
  std::uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof number);
  return base::ProducerId{std::max<std::uint64_t>(number, 1)};
}

std::string session_json(const NewSession& session) {
  std::string out = "{";
  put_member(out, "token", json_string(session.token));
  put_member(out, "expires_at_ms", session.expires_at_ms);
  put_member(out, "user", user_json(session.person.id, session.person.name));
  return out + "}";
}

std::string person_json(const auth::Person& person, const canvas::Charges& charges) {
  std::string out = "{";
  put_member(out, "user", user_json(person.id, person.name));
  put_member(out, "charges", charges.left);
  put_member(out, "next_charge_ms", charges.next_charge_ms);
  return out + "}";
}

std::string accepted_json(const canvas::Accepted& accepted) {
  std::string out = "{";
  put_member(out, "epoch", accepted.position.epoch);
  put_member(out, "offset", accepted.position.offset);
  put_member(out, "charges", accepted.charges.left);
  put_member(out, "next_charge_ms", accepted.charges.next_charge_ms);
  return out + "}";
}

std::string placements_json(std::uint16_t x, std::uint16_t y, std::uint8_t color,
                            std::span<const journal::Placement> placements) {
  std::string list = "[";
  for (const auto& [entry, name] : placements) {
    std::string item = "{";
    put_member(item, "offset", entry.offset);
    put_member(item, "color", entry.color);
    put_member(item, "time_ms", entry.time_ms);
    put_member(item, "user", user_json(entry.person, name));
    list += (list.size() > 1 ? "," : "") + item + "}";
  }
  std::string out = "{";
  put_member(out, "x", x);
  put_member(out, "y", y);
  put_member(out, "color", color);
  put_member(out, "placements", list + "]");
  return out + "}";
}

CanvasJson::CanvasJson(const PixelBattle& game) : game_(game), constants_(constants_json(game)) {}

wire::SharedBytes CanvasJson::get() {
  const Moment now{game_.journal().rules(), game_.live().standing(), game_.online(),
                   base::wall_ms()};
  const std::lock_guard lock(mutex_);
  if (!json_ || now != moment_) {
    moment_ = now;
    json_ = std::make_shared<const std::string>(made_at(now));
  }
  return json_;
}

std::string CanvasJson::made_at(const Moment& moment) const {
  std::string out;
  out.reserve(constants_.size() + 256);
  out = constants_;
  put_member(out, "cooldown_ms", moment.rules.cooldown_ms);
  put_member(out, "charges_max", moment.rules.charges_max);
  put_member(out, "frozen", moment.rules.frozen);
  put_member(out, "epoch", moment.standing.position.epoch);
  put_member(out, "offset", moment.standing.position.offset);
  put_member(out, "digest", "\"" + base::to_hex(moment.standing.digest) + "\"");
  put_member(out, "online", moment.online);
  put_member(out, "time_ms", moment.time_ms);
  return out + "}";
}

}  // namespace service
