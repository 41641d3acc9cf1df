#include "service/http.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace service {

Reply error_reply(int status, std::string_view code, std::string_view message,
                  std::string_view members) {
  std::string body = R"({"error":{"code":")";
  body.append(code).append(R"(","message":)").append(json_string(message));
  if (!members.empty()) body.append(",").append(members);
  body += "}}";
  return {.status = status, .headers = "Cache-Control: no-store\r\n", .body = std::move(body)};
}

Reply error_reply_later(int status, std::string_view code, std::string_view message,
                        std::int64_t wait_ms, std::string_view members) {
  Reply reply = error_reply(status, code, message, members);
  const std::int64_t seconds = std::max<std::int64_t>(1, (wait_ms + 999) / 1000);
  reply.headers += "Retry-After: " + std::to_string(seconds) + "\r\n";
  return reply;
}

Reply unknown_reply() {
  constexpr std::int64_t kWaitMs = 1'000;
  return error_reply_later(
      503, "unknown",
      "It is not known yet what became of this request. To find out, repeat it with the same "
      "Idempotency-Key.",
      kWaitMs);
}

Reply json_reply(decltype(Reply::body) body, int status) {
  return {.status = status, .headers = "Cache-Control: no-store\r\n", .body = std::move(body)};
}

std::optional<Reply> refuse_content_type(const Request& request) {
  const auto field = request.headers.get("Content-Type");
  const auto type = base::trim(field.substr(0, field.find(';')));
  if (type.empty() || base::equal_ignoring_case(type, "application/json")) return std::nullopt;
  return error_reply(415, "not_json", "The body must be application/json.");
}

bool is_idempotency_key(std::string_view key) {
  const bool visible = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  return visible && !key.empty() && key.size() <= base::limits::kKeyBytesMax;
}

Reply bad_idempotency_key() {
  return error_reply(400, "bad_idempotency_key",
                     "Idempotency-Key takes 1 to 64 visible ASCII characters.");
}

std::string json_string(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

bool is_unchanged(std::string_view if_none_match, std::string_view etag) {
  return base::trim(if_none_match) == "*" || if_none_match.find(etag) != std::string_view::npos;
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) != name || equals == std::string_view::npos) continue;
    return base::percent_decode(pair.substr(equals + 1)).value_or("");
  }
  return {};
}

}  // namespace service
