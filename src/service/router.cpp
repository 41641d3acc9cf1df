#include "service/router.hpp"

#include <exception>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "ops/log.hpp"

namespace service {

namespace {

/// Compares segment by segment; fills `parameters` with what stands for `{…}`.
bool matches(std::string_view pattern, std::string_view path,
             std::vector<std::string_view>& parameters) {
  parameters.clear();
  if (pattern.find('{') == std::string_view::npos) return pattern == path;
  while (true) {
    const auto wanted = pattern.substr(0, pattern.find('/'));
    const auto given = path.substr(0, path.find('/'));
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      parameters.push_back(given);
    } else if (wanted != given) {
      return false;
    }
    const bool pattern_ends = wanted.size() == pattern.size();
    const bool path_ends = given.size() == path.size();
    if (pattern_ends || path_ends) return pattern_ends && path_ends;
    pattern.remove_prefix(wanted.size() + 1);
    path.remove_prefix(given.size() + 1);
  }
}

std::string_view name_of(Method method) { return method == Method::post ? "POST" : "GET"; }

bool allows(const Route& route, Method method) {
  return route.method == method || (route.method == Method::get && method == Method::head);
}

Reply unauthorised(std::string_view code, std::string_view message) {
  Reply reply = error_reply(401, code, message);
  reply.headers += "WWW-Authenticate: Bearer\r\n";
  return reply;
}

/// The token of `Authorization: Bearer …`, or nothing.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto scheme = authorization.substr(0, kScheme.size());
  if (!base::equal_ignoring_case(scheme, kScheme)) return {};
  return authorization.substr(kScheme.size());
}

/// What a handler throws becomes a 500 and a line in the log.
template <class Answer, class Handler>
Answer guarded(const Match& match, const Handler& handler) {
  try {
    return handler();
  } catch (const std::exception& bug) {
    ops::log::error("a handler threw", {{"route", match.route->pattern}, {"what", bug.what()}});
    return error_reply(500, "internal", "Something went wrong on our side.");
  }
}

Call call_of(const Match& match, const Request& request, const auth::Person& person) {
  const bool known = match.route->access == Access::signed_in;
  return {.request = request, .parameters = match.parameters, .person = known ? &person : nullptr};
}

}  // namespace

Router::Router(std::vector<Route> routes, const auth::TokenSigner& tokens, ops::Metrics& metrics)
    : tokens_(tokens) {
  for (auto& route : routes) {
    const auto name = std::string(name_of(route.method)) + " " + std::string(route.pattern);
    rows_.push_back({std::move(route), metrics.route(name)});
  }
}

std::variant<Match, Reply> Router::find(Method method, std::string_view path) const {
  Match match;
  std::string allowed;
  for (const Row& row : rows_) {
    if (!matches(row.route.pattern, path, match.parameters)) continue;
    if (allows(row.route, method)) {
      match.route = &row.route;
      match.metrics = row.metrics;
      return match;
    }
    allowed += allowed.empty() ? "" : ", ";
    allowed += row.route.method == Method::get ? "GET, HEAD" : name_of(row.route.method);
  }
  if (allowed.empty()) return error_reply(404, "not_found", "There is nothing at this address.");
  Reply reply = error_reply(405, "method_not_allowed", "This address takes " + allowed + ".");
  reply.headers += "Allow: " + allowed + "\r\n";
  return reply;
}

std::optional<Reply> Router::run(const Match& match, const Request& request,
                                 std::optional<Respond> respond) const {
  return guarded<std::optional<Reply>>(match, [&]() -> std::optional<Reply> {
    auth::Person person;
    if (auto refused = authorise(match, request, person)) return refused;
    const Call call = call_of(match, request, person);
    if (const auto* at_once = std::get_if<AtOnce>(&match.route->handler)) return (*at_once)(call);
    std::get<Later>(match.route->handler)(call, std::move(respond).value());
    return std::nullopt;
  });
}

std::variant<Following, Reply> Router::open(const Match& match, const Request& request) const {
  using Opened = std::variant<Following, Reply>;
  return guarded<Opened>(match, [&]() -> Opened {
    auth::Person person;
    if (auto refused = authorise(match, request, person)) return std::move(*refused);
    return std::get<Stream>(match.route->handler)(call_of(match, request, person));
  });
}

/// The reply that refuses somebody who is not signed in, where one must be.
std::optional<Reply> Router::authorise(const Match& match, const Request& request,
                                       auth::Person& person) const {
  if (match.route->access == Access::open) return std::nullopt;
  const auto token = bearer_token(request.headers.get("Authorization"));
  if (token.empty()) return unauthorised("not_signed_in", "Sign in first.");
  auto verified = tokens_.verify(token, base::wall_ms());
  if (!verified) {
    return verified.error() == auth::TokenError::expired
               ? unauthorised("expired_token", "The session has expired; sign in again.")
               : unauthorised("bad_token", "The session token is not valid; sign in again.");
  }
  person = std::move(verified.value().person);
  return std::nullopt;
}

}  // namespace service
