#include "service/counter_routes.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace service {

namespace {

namespace limits = base::limits;

using counter::Refusal;
using counter::Verb;

constexpr std::array kVerbs = {Verb::increment, Verb::decrement, Verb::reset};

std::string value_json(std::int64_t value) { return "{\"value\":" + std::to_string(value) + "}"; }

Reply refusal_reply(const counter::Refused& refused) {
  const auto code = name_of(refused.reason);
  switch (refused.reason) {
    case Refusal::at_zero:
      return error_reply(400, code, "The counter is at zero.");
    case Refusal::overflow:
      return error_reply(400, code, "The counter cannot go higher.");
    case Refusal::key_reused:
      return error_reply(409, code, "This Idempotency-Key belongs to another request.");
    case Refusal::too_many_counters:
      return error_reply(409, code, "There are as many counters as there can be.");
    case Refusal::busy:
      return error_reply_later(503, code, "Too much at once; try again in a moment.",
                               refused.wait_ms);
    case Refusal::unavailable:
      return error_reply_later(503, code, "This cannot be stored now; nothing was changed.",
                               refused.wait_ms);
    case Refusal::unknown:
      break;
  }
  return unknown_reply();
}

Reply answer_reply(const counter::Answer& answer) {
  if (const auto* counted = std::get_if<counter::Counted>(&answer)) {
    return json_reply(value_json(counted->value));
  }
  return refusal_reply(std::get<counter::Refused>(answer));
}

/// Metrics resolved once for all presses.
struct PressMetrics {
  explicit PressMetrics(const ops::CounterMetrics& metrics) {
    for (const auto verb : kVerbs) {
      accepted.push_back(metrics.presses_accepted.with(name_of(verb)));
    }
    for (const auto reason :
         {Refusal::at_zero, Refusal::overflow, Refusal::key_reused, Refusal::too_many_counters,
          Refusal::busy, Refusal::unavailable, Refusal::unknown}) {
      refused.push_back(metrics.presses_refused.with(name_of(reason)));
    }
  }

  void count(Verb verb, const counter::Answer& answer) const {
    const auto* no = std::get_if<counter::Refused>(&answer);
    (no != nullptr ? refused[static_cast<std::size_t>(no->reason)]
                   : accepted[static_cast<std::size_t>(verb)])
        .add();
  }

  std::vector<ops::Counter> accepted;  // by verb
  std::vector<ops::Counter> refused;   // by reason
};

/// What the routes share.
struct Parts {
  ledger::Ledger& ledger;
  LiveCounters& counters;
  PressMetrics metrics;
};

/// The counter that an address names; the default one where it names none.
std::string_view counter_of(const Call& call) {
  return call.parameters.empty() ? counter::kDefaultName : call.parameters.front();
}

Reply bad_name() {
  return error_reply(
      400, "bad_name",
      "A counter's name is 1 to 64 of letters, digits, '.', '_' and '-', and not '.' or '..'.");
}

/// What is wrong with a request to press, if anything.
std::optional<Reply> refuse_press(const Call& call) {
  if (!counter::is_valid_name(counter_of(call))) return bad_name();
  const auto& request = call.request;
  const auto body = base::trim(request.body);
  if (!request.body.empty()) {
    if (auto refused = refuse_content_type(request)) return refused;
    if (!body.empty() && body != "{}") {
      return error_reply(400, "bad_request", "The body is empty or {}.");
    }
  }
  const auto keys = request.headers.count("Idempotency-Key");
  if (keys > 1 || (keys == 1 && !is_idempotency_key(request.headers.get("Idempotency-Key")))) {
    return bad_idempotency_key();
  }
  return std::nullopt;
}

void press(Parts& parts, Verb verb, const Call& call, const Respond& respond) {
  if (auto refused = refuse_press(call)) return respond(std::move(*refused));
  parts.ledger.press({.name = std::string(counter_of(call)),
                      .verb = verb,
                      .key = std::string(call.request.headers.get("Idempotency-Key"))},
                     [&parts, verb, respond = respond](const counter::Answer& answer) {
                       parts.metrics.count(verb, answer);
                       respond([answer] { return answer_reply(answer); });
                     });
}

Reply read(const Parts& parts, const Call& call) {
  const auto name = counter_of(call);
  if (!counter::is_valid_name(name)) return bad_name();
  return json_reply(value_json(parts.counters.value(name)));
}

Reply list(const Parts& parts) {
  std::string json = "{\"counters\":[";
  for (const auto& [name, value] : parts.counters.all()) {
    if (!json.ends_with('[')) json += ',';
    json += "{\"name\":" + json_string(name) + ",\"value\":" + std::to_string(value) + "}";
  }
  return json_reply(json + "]}");
}

std::variant<Following, Reply> follow(Parts& parts, const Call& call) {
  const auto name = counter_of(call);
  if (!counter::is_valid_name(name)) return bad_name();
  auto following = parts.counters.follow(name);
  if (!following) return refusal_reply({.reason = Refusal::too_many_counters});
  return std::move(*following);
}

/// The literals of one kind of counter.
struct Patterns {
  std::string_view read;
  std::array<std::string_view, kVerbs.size()> verbs;
  std::string_view events;
};

constexpr Patterns kDefault{
    .read = "/api/counter",
    .verbs = {"/api/counter/increment", "/api/counter/decrement", "/api/counter/reset"},
    .events = "/api/counter/events"};
constexpr Patterns kNamed{.read = "/api/counters/{name}",
                          .verbs = {"/api/counters/{name}/increment",
                                    "/api/counters/{name}/decrement", "/api/counters/{name}/reset"},
                          .events = "/api/counters/{name}/events"};

}  // namespace

std::vector<Route> counter_routes(ledger::Ledger& ledger, LiveCounters& counters,
                                  const ops::CounterMetrics& metrics) {
  const auto parts = std::make_shared<Parts>(Parts{ledger, counters, PressMetrics(metrics)});
  using enum Method;
  using enum Access;
  constexpr bool kLimited = true;
  std::vector<Route> routes;
  for (const auto& patterns : {kDefault, kNamed}) {
    routes.push_back({get, patterns.read, open, kLimited, 0,
                      AtOnce([parts](const Call& call) { return read(*parts, call); })});
    for (std::size_t i = 0; i < kVerbs.size(); ++i) {
      routes.push_back({post, patterns.verbs[i], open, kLimited, limits::kPressBodyBytesMax,
                        Later([parts, verb = kVerbs[i]](const Call& call, const Respond& respond) {
                          press(*parts, verb, call, respond);
                        })});
    }
    routes.push_back({get, patterns.events, open, kLimited, 0,
                      Stream([parts](const Call& call) { return follow(*parts, call); })});
  }
  routes.push_back({get, "/api/counters", open, kLimited, 0,
                    AtOnce([parts](const Call&) { return list(*parts); })});
  return routes;
}

}  // namespace service
