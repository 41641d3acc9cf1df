#include "service/operator_routes.hpp"

namespace service {

std::string readiness_json(const ops::Readiness::Report& report) {
  std::string json = "{\"status\":" + json_string(report.status) + ",\"checks\":{";
  for (const auto& [name, detail] : report.checks) {
    if (!json.ends_with('{')) json += ',';
    json += json_string(name) + ':' + json_string(detail);
  }
  return json + "}}";
}

std::vector<Route> operator_routes(const ops::Readiness& readiness, const ops::Metrics& metrics) {
  const auto ready = [&readiness](const Call&) {
    const auto report = readiness.report();
    return json_reply(readiness_json(report), report.ready ? 200 : 503);
  };
  const auto text = [&metrics](const Call&) {
    return Reply{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                 .headers = "Cache-Control: no-store\r\n",
                 .body = metrics.text()};
  };
  using enum Method;
  using enum Access;
  constexpr bool kLimited = true;
  constexpr bool kUnlimited = false;
  return {
      {get, "/health", open, kUnlimited, 0,
       AtOnce([](const Call&) { return json_reply(R"({"status":"ok"})"); })},
      {get, "/health/ready", open, kUnlimited, 0, AtOnce(ready)},
      {get, "/metrics", open, kLimited, 0, AtOnce(text)},
  };
}

}  // namespace service
