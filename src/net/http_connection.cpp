#include "net/http_connection.hpp"

#include <array>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "net/address.hpp"
#include "net/awaited_reply.hpp"
#include "net/event_stream.hpp"
#include "net/http_replies.hpp"
#include "net/response.hpp"
#include "net/websocket_connection.hpp"
#include "net/worker.hpp"
#include "ops/log.hpp"

namespace net {

namespace {

namespace http = boost::beast::http;
namespace limits = base::limits;

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kCopyBytesMax = 4096;
constexpr std::size_t kKeyCharacters = 24;  // 16 bytes in base64
constexpr std::int64_t kNewcomerMs = 1'000;
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kLingerBytesMax = 16 * 1024 * 1024;

class HeaderFields final : public service::Headers {
 public:
  explicit HeaderFields(const http::fields& fields) : fields_(fields) {}
  [[nodiscard]] std::string_view get(std::string_view name) const override {
    const auto found = fields_.find(boost::beast::string_view(name.data(), name.size()));
    if (found == fields_.end()) return {};
    return {found->value().data(), found->value().size()};
  }
  /// All lines of the field as one list: a proxy may add its own line to the client's.
  [[nodiscard]] std::string joined(std::string_view name) const {
    std::string all;
    const auto [first, last] =
        fields_.equal_range(boost::beast::string_view(name.data(), name.size()));
    for (auto line = first; line != last; ++line) {
      all.append(all.empty() ? "" : ",").append(line->value().data(), line->value().size());
    }
    return all;
  }
  [[nodiscard]] std::size_t count(std::string_view name) const override {
    return fields_.count(boost::beast::string_view(name.data(), name.size()));
  }

 private:
  const http::fields& fields_;
};

service::Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return service::Method::get;
    case http::verb::head:
      return service::Method::head;
    case http::verb::post:
      return service::Method::post;
    default:
      return service::Method::other;
  }
}

/// A request parser with our limits.
class Parser : public http::request_parser<http::string_body> {
 public:
  Parser() {
    header_limit(limits::kHeaderBytesMax);
    body_limit(limits::kBodyBytesMax);
  }
};

/// One request while it is being served.
struct Exchange {
  Parser parser;
  HeaderFields headers{parser.get()};
  std::string forwarded_address;  // of the client, when a proxy of ours speaks for it
  service::Request request{.headers = headers};
  std::int64_t begin_ns = 0;
  bool broken = false;  // it is not clear where the request ends: nothing may follow it

  [[nodiscard]] bool http_1_0() const { return parser.get().version() < 11; }
  [[nodiscard]] bool keep_alive() const {
    return !broken && parser.is_done() && parser.get().keep_alive();
  }
  [[nodiscard]] double seconds() const {
    return static_cast<double>(base::steady_ns() - begin_ns) * 1e-9;
  }
};

/// One connection. Kept alive by its coroutine.
class HttpConnection final : public Connection,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Worker& worker, Socket socket, const asio::ip::address& peer,
                 Admission::Place place)
      : worker_(worker),
        socket_(std::move(socket)),
        peer_(peer),
        peer_text_(limit_key(peer)),
        peer_is_proxy_(worker.site().trusted_proxies.contains(peer)),
        place_(std::move(place)) {}

  void start() {
    worker_.add(*this);
    worker_.metrics().http_open.add();
    worker_.metrics().http_total.add();
    asio::co_spawn(worker_.io(), run(shared_from_this()), asio::detached);
  }

  void sweep(std::int64_t now_ms) override {
    if (now_ms < deadline_ms_) return;
    if (awaited_.is_awaited()) return awaited_.give_up(shared_from_this());
    timed_out_ = true;  // cancelling again at the next sweep if this one came between two waits
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  void drain() override {
    if (!idle_) return;
    // A client that was accepted a moment ago may have sent its request already.
    served_ ? abort() : expect_within(kNewcomerMs);
  }

  void abort() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  Traffic take_traffic() override { return std::exchange(traffic_, {}); }

 private:
  enum class Next : std::uint8_t { request, linger, close, handed_over };
  /// What to do about a request once its header is known.
  using Decision = std::variant<service::Reply, service::Match, Next>;

  Task<> run(std::shared_ptr<HttpConnection> self);
  Task<Next> exchange();
  Task<std::optional<service::Reply>> read_body(Parser& parser, std::size_t bytes_max);
  std::optional<service::Reply> open_stream(const service::Match& match, const Exchange& exchange);
  Task<Next> write(const service::Reply& reply, bool keep_alive, const Exchange& exchange);
  Task<boost::system::error_code> write_rest(std::string_view head, std::string_view body);
  Task<> linger();

  std::optional<service::Reply> parse_header(Exchange& exchange);
  Decision decide(Exchange& exchange);
  static std::optional<service::Reply> check(Exchange& exchange);
  Decision route(const Exchange& exchange);
  Decision upgrade(const Exchange& exchange);
  [[nodiscard]] service::Reply file_or(service::Reply not_found,
                                       const service::Request& request) const;
  void expect_within(std::int64_t ms) { deadline_ms_ = worker_.now_ms() + ms; }

  Worker& worker_;
  Socket socket_;
  const asio::ip::address peer_;
  const std::string peer_text_;
  const bool peer_is_proxy_;
  Admission::Place place_;
  AwaitedReply awaited_{worker_, *this};
  // Not in the coroutine: Asio keeps small frames for the next one, but not large ones.
  std::optional<Exchange> exchange_;
  boost::beast::flat_buffer buffer_{limits::kHeaderBytesMax + 2 * kReadBytes};
  std::int64_t deadline_ms_ = INT64_MAX;
  Traffic traffic_;
  bool idle_ = true;     // between requests, nothing read yet
  bool served_ = false;  // a request has come
  bool timed_out_ = false;
};

Task<> HttpConnection::run(std::shared_ptr<HttpConnection>) {
  Next next = Next::request;
  try {
    while (next == Next::request) next = co_await exchange();
    if (next == Next::linger) co_await linger();
  } catch (const std::exception& bug) {
    ops::log::error("an HTTP connection failed", {{"what", bug.what()}});
  }
  worker_.remove(*this);
  worker_.metrics().http_open.subtract();
}

/// Reads one request and answers it. One without a body whose answer is there at once passes
/// through no other coroutine: each would cost as much as parsing a few fields.
Task<HttpConnection::Next> HttpConnection::exchange() {
  Exchange& exchange = exchange_.emplace();
  idle_ = buffer_.size() == 0;
  timed_out_ = false;
  if (idle_ && served_ && worker_.draining()) co_return Next::close;
  // Pipelined requests take turns with the worker's other connections.
  if (!idle_) co_await asio::post(worker_.io(), kAwait);
  expect_within(idle_ && served_ ? limits::kKeepAliveIdleMs : limits::kHeaderTimeMs);
  while (true) {
    if (const auto refused = parse_header(exchange)) {
      co_return co_await write(*refused, false, exchange);
    }
    if (exchange.parser.is_header_done()) break;
    auto [error, size] = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
    buffer_.commit(size);
    traffic_.received += size;
    if (error) {
      // Between requests, and when the client is gone, nobody waits for an answer.
      if (idle_ || !timed_out_) co_return Next::close;
      co_return co_await write(timeout_reply(), false, exchange);
    }
    if (std::exchange(idle_, false)) expect_within(limits::kHeaderTimeMs);
  }
  served_ = true;
  exchange.begin_ns = base::steady_ns();
  auto decision = decide(exchange);
  if (const auto* next = std::get_if<Next>(&decision)) co_return *next;
  std::optional<service::Reply> reply;
  if (auto* refused = std::get_if<service::Reply>(&decision)) reply = std::move(*refused);
  if (const auto* match = std::get_if<service::Match>(&decision)) {
    if (!exchange.parser.is_done()) {
      reply = co_await read_body(exchange.parser, match->route->body_bytes_max);
      exchange.request.body = exchange.parser.get().body();
    }
    expect_within(limits::kResponseTimeMs);
    if (!reply && match->route->is_stream()) {
      reply = open_stream(*match, exchange);
      if (!reply) co_return Next::handed_over;
    } else if (!reply && match->route->answers_at_once()) {
      reply = worker_.site().router.run(*match, exchange.request, std::nullopt);
    } else if (!reply) {
      expect_within(limits::kAnswerTimeMs);
      reply =
          worker_.site().router.run(*match, exchange.request, awaited_.expect(shared_from_this()));
      if (!reply) reply = co_await awaited_.wait();
    }
    match->metrics->observe(reply->status, exchange.seconds());
  }
  const bool keep_alive = exchange.keep_alive() && !worker_.draining();
  co_return co_await write(*reply, keep_alive, exchange);
}

/// Feeds the parser what has been read. A reply means that this is no request.
std::optional<service::Reply> HttpConnection::parse_header(Exchange& exchange) {
  if (buffer_.size() == 0) return std::nullopt;
  boost::system::error_code error;
  buffer_.consume(exchange.parser.put(buffer_.data(), error));
  if (error && error != http::error::need_more) return parse_error_reply(error);
  const bool full = buffer_.size() + kReadBytes > buffer_.max_size();
  if (full && !exchange.parser.is_header_done()) {
    return parse_error_reply(http::error::header_limit);
  }
  return std::nullopt;
}

/// Nothing when the whole body is there, otherwise the reply that refuses it.
Task<std::optional<service::Reply>> HttpConnection::read_body(Parser& parser,
                                                              std::size_t bytes_max) {
  const auto length = parser.content_length();
  if (length && *length > bytes_max) co_return parse_error_reply(http::error::body_limit);
  parser.body_limit(bytes_max);
  parser.eager(true);
  expect_within(limits::kBodyTimeMs);
  if (parser.get()[http::field::expect] == "100-continue") {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(socket_, asio::buffer(kContinue), kAwait);
  }
  while (true) {
    boost::system::error_code error;
    buffer_.consume(parser.put(buffer_.data(), error));
    if (error && error != http::error::need_more) co_return parse_error_reply(error);
    if (parser.is_done()) co_return std::nullopt;
    auto [failed, size] = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
    buffer_.commit(size);
    traffic_.received += size;
    if (failed) co_return timeout_reply();  // a client that is gone does not see it
  }
}

HttpConnection::Decision HttpConnection::decide(Exchange& exchange) {
  if (auto refused = check(exchange)) {
    exchange.broken = true;
    return std::move(*refused);
  }
  const auto& message = exchange.parser.get();
  const std::string_view target(message.target().data(), message.target().size());
  const auto question = target.find('?');
  auto& request = exchange.request;
  request.method = method_of(message.method());
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  request.address = peer_text_;
  if (peer_is_proxy_) {
    const auto forwarded_for = exchange.headers.joined("X-Forwarded-For");
    exchange.forwarded_address =
        limit_key(client_address(peer_, forwarded_for, worker_.site().trusted_proxies));
    request.address = exchange.forwarded_address;
  }
  const auto& websockets = worker_.site().websockets;
  return websockets && request.path == websockets->path ? upgrade(exchange) : route(exchange);
}

/// Refuses what the parser lets pass but two servers could read differently.
std::optional<service::Reply> HttpConnection::check(Exchange& exchange) {
  const auto reject = [](std::string_view what) {
    return service::error_reply(400, "bad_request", what);
  };
  const auto& headers = exchange.headers;
  if (!exchange.parser.get().target().starts_with('/')) return reject("The target is not a path.");
  if (!exchange.http_1_0() && headers.count("Host") != 1) {
    return reject("There must be one Host field.");
  }
  if (headers.count("Transfer-Encoding") > 0 &&
      (exchange.http_1_0() ||
       !base::equal_ignoring_case(headers.get("Transfer-Encoding"), "chunked"))) {
    return reject("Transfer-Encoding takes chunked only, and not in HTTP/1.0.");
  }
  return std::nullopt;
}

HttpConnection::Decision HttpConnection::route(const Exchange& exchange) {
  const auto& request = exchange.request;
  auto found = worker_.site().router.find(request.method, request.path);
  auto* match = std::get_if<service::Match>(&found);
  if (match == nullptr || match->route->limited) {
    const auto wait_ms = worker_.admission().requests().take(request.address, exchange.begin_ns);
    if (wait_ms > 0) return too_many_requests(wait_ms);
  }
  if (match != nullptr) return std::move(*match);
  auto reply = file_or(std::get<service::Reply>(std::move(found)), request);
  const auto& metrics = worker_.metrics();
  (reply.status < 400 ? metrics.static_files : metrics.unknown)
      .observe(reply.status, exchange.seconds());
  return reply;
}

service::Reply HttpConnection::file_or(service::Reply not_found,
                                       const service::Request& request) const {
  const auto* file = worker_.site().files.find(request.path);
  if (file == nullptr || not_found.status == 405) return not_found;
  if (request.method != service::Method::get && request.method != service::Method::head) {
    return not_allowed("GET, HEAD");
  }
  return StaticFiles::reply(*file, request.headers);
}

/// Hands the connection over to the WebSocket, or refuses.
HttpConnection::Decision HttpConnection::upgrade(const Exchange& exchange) {
  const auto& message = exchange.parser.get();
  const auto& headers = exchange.headers;
  const auto& request = exchange.request;
  auto& admission = worker_.admission();
  if (request.method != service::Method::get) return not_allowed("GET");
  const auto key = headers.get("Sec-WebSocket-Key");
  if (!boost::beast::websocket::is_upgrade(message) || key.size() != kKeyCharacters ||
      !key.ends_with("==") || headers.get("Sec-WebSocket-Version") != "13" ||
      !exchange.parser.is_done()) {
    return upgrade_required();
  }
  if (!origin_allowed(headers.get("Origin"), headers.get("Host"),
                      worker_.site().websockets->allowed_origins)) {
    worker_.metrics().refused_origin.add();
    return service::error_reply(403, "bad_origin", "Pages of this origin may not connect here.");
  }
  if (worker_.draining()) {
    return service::error_reply_later(503, "draining", "This server is going down.", 1000);
  }
  if (const auto wait_ms = admission.requests().take(request.address, exchange.begin_ns)) {
    return too_many_requests(wait_ms);
  }
  if (!admission.move_to(place_, std::string(request.address))) {
    worker_.metrics().refused_address_limit.add();
    return service::error_reply_later(429, "rate_limited", "Too many connections.", 10'000);
  }
  UpgradeRequest handshake{
      .target = std::string(message.target()),
      .host = std::string(headers.get("Host")),
      .key = std::string(key),
      .early_bytes = std::string(static_cast<const char*>(buffer_.data().data()), buffer_.size())};
  serve_websocket(worker_, std::move(socket_), std::move(handshake), std::move(place_));
  return Next::handed_over;
}

/// Hands the connection over to the stream; or the reply that refuses it, or has no body anyway.
std::optional<service::Reply> HttpConnection::open_stream(const service::Match& match,
                                                          const Exchange& exchange) {
  auto opened = worker_.site().router.open(match, exchange.request);
  if (auto* refused = std::get_if<service::Reply>(&opened)) return std::move(*refused);
  if (worker_.draining()) {
    return service::error_reply_later(503, "draining", "This server is going down.", 1000);
  }
  service::Reply reply{.endless = true,
                       .content_type = "text/event-stream",
                       .headers = "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"};
  if (exchange.request.method == service::Method::head) return reply;
  match.metrics->observe(reply.status, exchange.seconds());
  const HeadContext context{.date = worker_.date(),
                            .served_by = worker_.site().served_by,
                            .http_1_0 = exchange.http_1_0(),
                            .keep_alive = false};
  serve_events(worker_, std::move(socket_), response_head(reply, context),
               std::get<service::Following>(std::move(opened)), std::move(place_));
  return std::nullopt;
}

Task<HttpConnection::Next> HttpConnection::write(const service::Reply& reply, bool keep_alive,
                                                 const Exchange& exchange) {
  expect_within(limits::kResponseTimeMs);
  const auto& site = worker_.site();
  const bool no_body = exchange.request.method == service::Method::head || reply.status == 304;
  auto body = no_body ? std::string_view() : reply.bytes();
  const bool together = body.size() <= kCopyBytesMax;  // one buffer is cheaper to send than two
  auto head =
      response_head(reply, {worker_.date(), site.served_by, exchange.http_1_0(), keep_alive},
                    together ? body.size() : 0);
  if (together) head += std::exchange(body, {});
  // The kernel nearly always takes a small answer at once.
  boost::system::error_code error;
  std::size_t sent = 0;
  if (body.empty()) sent = socket_.write_some(asio::buffer(head), error);
  if (error == asio::error::would_block) error = {};
  if (!error && sent < head.size() + body.size()) {
    error = co_await write_rest(std::string_view(head).substr(sent), body);
  }
  traffic_.sent += head.size() + body.size();
  if (error) co_return Next::close;
  co_return keep_alive ? Next::request : Next::linger;
}

Task<boost::system::error_code> HttpConnection::write_rest(std::string_view head,
                                                           std::string_view body) {
  // As much in one call as the kernel takes, not the 64 KB that Asio would pass at a time.
  const auto all = [](const boost::system::error_code& error, std::size_t) {
    return error ? std::size_t{0} : SIZE_MAX;
  };
  const std::array buffers = {asio::buffer(head.data(), head.size()),
                              asio::buffer(body.data(), body.size())};
  auto [error, size] = co_await asio::async_write(socket_, buffers, all, kAwait);
  co_return error;
}

/// Lets the client read the answer before the connection goes: closing while it still sends would
/// reset the connection and could take the answer with it.
Task<> HttpConnection::linger() {
  boost::system::error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  expect_within(kLingerMs);
  std::array<char, kReadBytes> discarded;
  std::size_t total = 0;
  while (!error && total < kLingerBytesMax) {
    auto [failed, size] = co_await socket_.async_read_some(asio::buffer(discarded), kAwait);
    error = failed;
    total += size;
  }
}

}  // namespace

void serve_http(Worker& worker, Socket socket, const asio::ip::address& peer,
                Admission::Place place) {
  std::make_shared<HttpConnection>(worker, std::move(socket), peer, std::move(place))->start();
}

void refuse_connection(Socket& socket) {
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n";
  boost::system::error_code ignored;
  socket.write_some(asio::buffer(kFull), ignored);
}

}  // namespace net
