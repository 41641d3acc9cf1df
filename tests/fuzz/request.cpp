// What requests are made of: bodies, queries, paths and the header fields that we read ourselves.
#include <boost/json.hpp>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "net/address.hpp"
#include "service/canvas_json.hpp"
#include "service/flat_json.hpp"
#include "service/router.hpp"
#include "service/snapshots.hpp"

namespace {

bool is_error(const service::Reply& reply) { return reply.status >= 400 && reply.status < 500; }

void check_bodies(std::string_view input) {
  const auto flat = service::parse_flat_object(input);
  boost::system::error_code error;
  const auto value = boost::json::parse({input.data(), input.size()}, error);
  fuzz::must(!flat || (!error && value.is_object() && value.as_object().size() == flat->size()),
             "a flat object is a JSON object with as many members");

  const auto pixel = service::parse_pixel(input);
  fuzz::must(!pixel || (flat && flat->size() == 3), "a placement has three members");
  fuzz::must(pixel || is_error(pixel.error()), "a bad body is the client's error");
  const auto init_data = service::parse_init_data(input);
  fuzz::must(!init_data || (flat && flat->size() == 1), "a sign-in has one member");
  fuzz::must(init_data || is_error(init_data.error()), "a bad body is the client's error");
}

void check_fields(std::string_view input) {
  const auto named = base::number(service::producer_of(input)) != 0;
  fuzz::must(!named || input.size() <= 64, "an idempotency key is bounded");
  service::query_value(input, "limit");
  constexpr std::string_view kTag = "\"7-41-0123456789abcdef-3\"";
  fuzz::must(!service::is_unchanged(input, kTag) || input.size() >= kTag.size() ||
                 input.find('*') != std::string_view::npos,
             "only who names the tag, or any, has it");
  service::negotiate(input);
  fuzz::must(!service::accepts(input, "br") || input.size() >= 1, "nothing accepts nothing");

  static const auto proxies = net::Networks::parse({"10.0.0.0/8", "::1"});
  const auto peer = boost::asio::ip::make_address("10.0.0.1");
  const auto stranger = boost::asio::ip::make_address("203.0.113.9");
  net::client_address(peer, input, proxies.value());
  fuzz::must(net::client_address(stranger, input, proxies.value()) == stranger,
             "a stranger speaks for nobody");
  static_cast<void>(net::Networks::parse({std::string(input)}));
  net::origin_allowed(input, "example.org", {"https://example.com"});
}

void check_path(std::string_view input) {
  static const auth::TokenSigner signer({"the key of the fuzzer, long enough"});
  static ops::CanvasMetrics metrics("fuzz");
  static const auto routes = [] {
    const service::AtOnce nothing = [](const service::Call&) { return service::Reply{}; };
    std::vector<service::Route> rows;
    rows.push_back({.pattern = "/api/canvas", .handler = nothing});
    rows.push_back({.pattern = "/api/pixels/{x}/{y}", .handler = nothing});
    return rows;
  }();
  static const service::Router router(routes, signer, metrics);
  const auto found = router.find(service::Method::get, input);
  const auto* match = std::get_if<service::Match>(&found);
  const auto other = router.find(service::Method::post, input);
  const auto* refused = std::get_if<service::Reply>(&other);
  fuzz::must(refused != nullptr && refused->status == (match != nullptr ? 405 : 404),
             "another method of a known path is not allowed, an unknown path is not found");
  if (match == nullptr || match->parameters.empty()) return;
  for (const auto parameter : match->parameters) {
    fuzz::must(!parameter.empty() && parameter.find('/') == std::string_view::npos,
               "a parameter is one segment");
    static_cast<void>(base::parse_number<std::uint16_t>(parameter));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  check_bodies(input);
  check_fields(input);
  check_path(input);
  return 0;
}
