#include "service/canvas_routes.hpp"

#include <optional>
#include <string>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "service/canvas_json.hpp"

namespace service {

namespace {

namespace limits = base::limits;

constexpr std::size_t kHistoryRowsDefault = 20;
constexpr std::int64_t kUnavailableWaitMs = 1'000;

Reply sign_in_reply(const base::Result<NewSession, SignInError>& session) {
  if (session) return json_reply(session_json(session.value()));
  switch (session.error()) {
    case SignInError::guests_disabled:
      return error_reply(403, "guests_disabled", "Guests cannot play here; open it in Telegram.");
    case SignInError::telegram_disabled:
      return error_reply(403, "telegram_disabled", "Telegram sign-in is not set up here.");
    case SignInError::expired:
      return error_reply(401, "expired_init_data", "Open the app in Telegram again.");
    case SignInError::invalid:
      break;
  }
  return error_reply(401, "bad_init_data", "Telegram's sign-in data is not valid.");
}

Reply refusal_reply(const canvas::Refused& refused) {
  const auto code = name_of(refused.reason);
  switch (refused.reason) {
    case canvas::Refusal::cooldown:
      return error_reply_later(429, code, "No charge is left; wait for the next one.",
                               refused.wait_ms,
                               "\"wait_ms\":" + std::to_string(refused.wait_ms) +
                                   ",\"charges\":" + std::to_string(refused.charges.left));
    case canvas::Refusal::frozen:
      return error_reply(403, code, "The canvas is frozen.");
    case canvas::Refusal::banned:
      return error_reply(403, code, "You cannot place here any more.");
    case canvas::Refusal::outside:
      return error_reply(400, code, "This pixel is not on the canvas.");
    case canvas::Refusal::bad_color:
      return error_reply(400, code, "The palette has no such colour.");
    case canvas::Refusal::not_signed_in:
      return error_reply(401, code, "Sign in first.");
    case canvas::Refusal::stale:
      return error_reply(409, code, "A later placement of this producer was accepted before.");
    case canvas::Refusal::busy:
      return error_reply_later(503, code, "Too much at once; try again in a moment.",
                               refused.wait_ms);
    case canvas::Refusal::unavailable:
      break;
  }
  return error_reply_later(503, code, "The pixel cannot be stored now; nothing was changed.",
                           kUnavailableWaitMs);
}

void place(PixelBattle& game, const Call& call, const Respond& respond) {
  if (auto refused = refuse_content_type(call.request)) return respond(std::move(*refused));
  const auto body = parse_pixel(call.request.body);
  if (!body) return respond(body.error());
  base::ProducerId producer{base::random_u64() | 1};
  if (call.request.headers.count("Idempotency-Key") > 0) {
    producer = producer_of(call.request.headers.get("Idempotency-Key"));
    if (producer == base::ProducerId{}) {
      return respond(bad_idempotency_key());
    }
  }
  if (const auto wait_ms = game.ask(*call.person); wait_ms > 0) {
    return respond(error_reply_later(429, "rate_limited", "Too many requests.", wait_ms,
                                     "\"wait_ms\":" + std::to_string(wait_ms)));
  }
  const Placing placing{
      .producer = producer, .sequence = 1, .x = body->x, .y = body->y, .color = body->color};
  game.place(*call.person, placing, [respond = respond](const canvas::Answer& answer) {
    const auto* accepted = std::get_if<canvas::Accepted>(&answer);
    respond(accepted != nullptr ? json_reply(accepted_json(*accepted), 201)
                                : refusal_reply(std::get<canvas::Refused>(answer)));
  });
}

void pixel_history(PixelBattle& game, const Call& call, const Respond& respond) {
  const auto x = base::parse_number<std::uint32_t>(call.parameters[0]);
  const auto y = base::parse_number<std::uint32_t>(call.parameters[1]);
  if (!x || !y || !game.live().size().contains(*x, *y)) {
    return respond(refusal_reply({.reason = canvas::Refusal::outside}));
  }
  std::size_t rows = kHistoryRowsDefault;
  if (const auto limit = query_value(call.request.query, "limit"); !limit.empty()) {
    rows = base::parse_number<std::size_t>(limit).value_or(0);
    if (rows == 0 || rows > limits::kHistoryRowsMax) {
      return respond(error_reply(400, "bad_request", "limit is a number from 1 to 100."));
    }
  }
  const auto pixel_x = static_cast<std::uint16_t>(*x);
  const auto pixel_y = static_cast<std::uint16_t>(*y);
  game.journal().pixel_history(
      pixel_x, pixel_y, rows, [&game, pixel_x, pixel_y, respond](const auto& found) {
        if (!found) return respond(refusal_reply({.reason = canvas::Refusal::unavailable}));
        const auto color = game.live().color_at(pixel_x, pixel_y);
        respond(json_reply(placements_json(pixel_x, pixel_y, color, found.value())));
      });
}

void who_am_i(PixelBattle& game, const Call& call, const Respond& respond) {
  game.journal().charges(call.person->id, [person = *call.person, respond](const auto& found) {
    respond(found ? json_reply(person_json(person, found.value()))
                  : refusal_reply({.reason = canvas::Refusal::unavailable}));
  });
}

std::string etag_of(const canvas::Standing& standing, Encoding encoding) {
  return "\"" + std::to_string(standing.position.epoch) + "-" +
         std::to_string(standing.position.offset) + "-" + base::to_hex(standing.digest) + "-" +
         std::to_string(static_cast<int>(encoding)) + "\"";
}

/// A snapshot as the answer to a request that named `if_none_match`.
Reply snapshot_reply(const Snapshots::Found& found, Encoding encoding, const canvas::Size& size,
                     std::string_view if_none_match) {
  if (!found) return refusal_reply({.reason = canvas::Refusal::unavailable});
  const auto& standing = found->standing;
  const auto etag = etag_of(standing, encoding);
  Reply reply{.headers = "ETag: " + etag + "\r\nCache-Control: no-cache\r\n"};
  if (encoding == Encoding::png) {
    reply.content_type = "image/png";
  } else {
    reply.content_type = "application/octet-stream";
    reply.headers +=
        "Vary: Accept-Encoding\r\nX-Canvas-Epoch: " + std::to_string(standing.position.epoch) +
        "\r\nX-Canvas-Offset: " + std::to_string(standing.position.offset) +
        "\r\nX-Canvas-Digest: " + base::to_hex(standing.digest) +
        "\r\nX-Canvas-Width: " + std::to_string(size.width) +
        "\r\nX-Canvas-Height: " + std::to_string(size.height) + "\r\n";
    if (const auto name = content_encoding(encoding); !name.empty()) {
      reply.headers.append("Content-Encoding: ").append(name).append("\r\n");
    }
  }
  if (is_unchanged(if_none_match, etag)) {
    reply.status = 304;
  } else {
    reply.body = found->bytes;
  }
  return reply;
}

void snapshot(PixelBattle& game, Snapshots& snapshots, Encoding encoding, const Call& call,
              const Respond& respond) {
  const auto min_offset = query_value(call.request.query, "min_offset");
  const auto wanted = base::parse_number<std::uint64_t>(min_offset);
  if (!min_offset.empty() && !wanted) {
    return respond(error_reply(400, "bad_request", "min_offset is a number."));
  }
  if (!game.live().known()) return respond(refusal_reply({.reason = canvas::Refusal::unavailable}));
  const auto size = game.live().size();
  std::string if_none_match(call.request.headers.get("If-None-Match"));
  const auto answer = [=](const Snapshots::Found& found) {
    respond(snapshot_reply(found, encoding, size, if_none_match));
  };
  if (const auto found = snapshots.get(encoding, wanted.value_or(0), answer)) answer(found);
}

Reply sign_in_guest(PixelBattle& game, const Call& call) {
  if (const auto wait_ms = game.ask_for_guest(call.request.address); wait_ms > 0) {
    return error_reply_later(429, "rate_limited", "Too many new guests from here.", wait_ms);
  }
  return sign_in_reply(game.sign_in_guest());
}

Reply sign_in_telegram(PixelBattle& game, const Call& call) {
  if (auto refused = refuse_content_type(call.request)) return std::move(*refused);
  const auto init_data = parse_init_data(call.request.body);
  if (!init_data) return init_data.error();
  return sign_in_reply(game.sign_in_telegram(init_data.value()));
}

}  // namespace

std::vector<Route> canvas_routes(PixelBattle& game, Snapshots& snapshots) {
  const auto snapshot_later = [&](bool png) {
    return Later([&game, &snapshots, png](const Call& call, const Respond& respond) {
      const auto accepted = call.request.headers.get("Accept-Encoding");
      snapshot(game, snapshots, png ? Encoding::png : negotiate(accepted), call, respond);
    });
  };
  using enum Method;
  using enum Access;
  constexpr bool kLimited = true;
  return {
      {post, "/api/auth/guest", open, kLimited, limits::kAuthBodyBytesMax,
       AtOnce([&](const Call& call) { return sign_in_guest(game, call); })},
      {post, "/api/auth/telegram", open, kLimited, limits::kAuthBodyBytesMax,
       AtOnce([&](const Call& call) { return sign_in_telegram(game, call); })},
      {get, "/api/me", signed_in, kLimited, 0,
       Later([&](const Call& c, const Respond& respond) { who_am_i(game, c, respond); })},
      {get, "/api/canvas", open, kLimited, 0,
       AtOnce([json = std::make_shared<CanvasJson>(game)](const Call&) {
         return json_reply(json->get());
       })},
      {get, "/api/canvas/snapshot", open, kLimited, 0, snapshot_later(false)},
      {get, "/api/canvas.png", open, kLimited, 0, snapshot_later(true)},
      {post, "/api/pixels", signed_in, kLimited, limits::kPixelBodyBytesMax,
       Later([&](const Call& c, const Respond& respond) { place(game, c, respond); })},
      {get, "/api/pixels/{x}/{y}", open, kLimited, 0,
       Later([&](const Call& c, const Respond& respond) { pixel_history(game, c, respond); })},
  };
}

}  // namespace service
