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
#include "net/response.hpp"
#include "net/websocket_connection.hpp"
#include "net/worker.hpp"
#include "ops/log.hpp"

namespace net {

namespace {

namespace http = boost::beast::http;
namespace limits = base::limits;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kKeyCharacters = 24;  // 16 bytes in base64
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

/// What a request that cannot be parsed is told; the connection ends after it.
service::Reply parse_error_reply(const boost::system::error_code& error) {
  if (error == http::error::body_limit) {
    return service::error_reply(413, "too_large", "The body is too large.");
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return service::error_reply(431, "header_too_large", "The request header is too large.");
  }
  return service::error_reply(400, "bad_request", "This is not a valid HTTP request.");
}

/// One connection. Kept alive by its coroutine.
class HttpConnection final : public Connection,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Worker& worker, Socket socket, const asio::ip::address& peer,
                 Admission::Place place)
      : worker_(worker), socket_(std::move(socket)), peer_(peer), place_(std::move(place)) {}

  void start() {
    worker_.add(*this);
    worker_.metrics().http_open.add();
    worker_.metrics().http_total.add();
    asio::co_spawn(worker_.io(), run(shared_from_this()), asio::detached);
  }

  void sweep(std::int64_t now_ms) override {
    if (now_ms < deadline_ms_) return;
    timed_out_ = true;
    deadline_ms_ = INT64_MAX;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  void drain() override {
    if (idle_) abort();
  }

  void abort() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  enum class Next : std::uint8_t { request, linger, close, websocket };

  Task<> run(std::shared_ptr<HttpConnection> self);
  Task<Next> exchange();
  Task<std::optional<service::Reply>> read_header(Parser& parser);
  Task<std::optional<service::Reply>> read_body(Parser& parser, std::size_t bytes_max);
  Task<boost::system::error_code> read_more();
  Task<Next> answer(Parser& parser);
  Task<service::Reply> dispatch(Parser& parser, const service::Request& request);
  service::Reply file_or_not_found(const service::Request& request, service::Reply not_found);
  Task<service::Reply> run_route(const service::Match& match, const service::Request& request);
  Task<Next> upgrade(Parser& parser, const std::string& address);
  Task<Next> write(const service::Reply& reply, bool keep_alive, bool head_only = false,
                   bool http_1_0 = false);
  Task<> linger();
  void expect_within(std::int64_t ms) { deadline_ms_ = base::steady_ms() + ms; }

  Worker& worker_;
  Socket socket_;
  asio::ip::address peer_;
  Admission::Place place_;
  boost::beast::flat_buffer buffer_{limits::kHeaderBytesMax + kReadBytes};
  std::int64_t deadline_ms_ = INT64_MAX;
  bool idle_ = true;  // between requests, nothing read yet
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

/// Reads one request and answers it.
Task<HttpConnection::Next> HttpConnection::exchange() {
  std::optional<Parser> parser(std::in_place);
  parser->header_limit(limits::kHeaderBytesMax);
  parser->body_limit(limits::kBodyBytesMax);
  idle_ = buffer_.size() == 0;
  if (idle_ && worker_.draining()) co_return Next::close;
  expect_within(idle_ ? limits::kKeepAliveIdleMs : limits::kHeaderTimeMs);
  if (auto refused = co_await read_header(*parser)) {
    if (refused->status == 0) co_return Next::close;  // nobody is waiting for an answer
    co_return co_await write(*refused, false);
  }
  co_return co_await answer(*parser);
}

/// Nothing when there is a header; otherwise the reply, with status 0 where none is due.
Task<std::optional<service::Reply>> HttpConnection::read_header(Parser& parser) {
  while (true) {
    if (buffer_.size() > 0) {
      boost::system::error_code error;
      buffer_.consume(parser.put(buffer_.data(), error));
      if (error && error != http::error::need_more) co_return parse_error_reply(error);
      if (parser.is_header_done()) co_return std::nullopt;
    }
    if (const auto error = co_await read_more()) {
      if (timed_out_ && !idle_) {
        co_return service::error_reply(408, "timeout", "The request took too long.");
      }
      co_return service::Reply{.status = 0};
    }
    if (std::exchange(idle_, false)) expect_within(limits::kHeaderTimeMs);
  }
}

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
  while (!parser.is_done()) {
    boost::system::error_code error;
    buffer_.consume(parser.put(buffer_.data(), error));
    if (error && error != http::error::need_more) co_return parse_error_reply(error);
    if (parser.is_done()) break;
    if (const auto failed = co_await read_more()) {
      if (timed_out_) co_return service::error_reply(408, "timeout", "The body took too long.");
      co_return service::Reply{.status = 0};
    }
  }
  co_return std::nullopt;
}

Task<boost::system::error_code> HttpConnection::read_more() {
  if (buffer_.size() + kReadBytes > buffer_.max_size()) co_return http::error::header_limit;
  auto [error, size] = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
  buffer_.commit(size);
  worker_.site().metrics.bytes_received.add(static_cast<double>(size));
  co_return error;
}

Task<HttpConnection::Next> HttpConnection::answer(Parser& parser) {
  const auto& message = parser.get();
  const bool http_1_0 = message.version() < 11;
  const auto reject = [](std::string_view what) {
    return service::error_reply(400, "bad_request", what);
  };
  const std::string_view target(message.target().data(), message.target().size());
  if (!target.starts_with('/'))
    co_return co_await write(reject("The target is not a path."), false);
  if (!http_1_0 && message.count(http::field::host) != 1) {
    co_return co_await write(reject("There must be one Host field."), false);
  }
  const HeaderFields headers(message);
  // Any other coding would leave in doubt where the request ends.
  if (headers.count("Transfer-Encoding") > 0 &&
      !base::equal_ignoring_case(headers.get("Transfer-Encoding"), "chunked")) {
    co_return co_await write(reject("Transfer-Encoding takes chunked only."), false);
  }
  const auto question = target.find('?');
  const auto address =
      client_address(peer_, headers.get("X-Forwarded-For"), worker_.site().trusted_proxies)
          .to_string();
  service::Request request{.method = method_of(message.method()),
                           .path = target.substr(0, question),
                           .query = question == std::string_view::npos
                                        ? std::string_view()
                                        : target.substr(question + 1),
                           .headers = headers,
                           .address = address};
  if (request.path == worker_.site().websocket_path) co_return co_await upgrade(parser, address);
  const auto reply = co_await dispatch(parser, request);
  if (reply.status == 0) co_return Next::close;
  const bool keep_alive = parser.is_done() && message.keep_alive() && !worker_.draining();
  co_return co_await write(reply, keep_alive, request.method == service::Method::head, http_1_0);
}

/// Finds the route, reads the body it allows and runs it.
Task<service::Reply> HttpConnection::dispatch(Parser& parser, const service::Request& request) {
  const auto begin_ns = base::steady_ns();
  const auto seconds = [&] { return static_cast<double>(base::steady_ns() - begin_ns) * 1e-9; };
  auto found = worker_.site().router.find(request.method, request.path);
  const auto* match = std::get_if<service::Match>(&found);
  if (match == nullptr || match->route->limited) {
    const auto wait_ms = worker_.admission().requests().take(request.address, begin_ns);
    if (wait_ms > 0) {
      worker_.metrics().unknown.observe(429, seconds());
      co_return service::error_reply_later(429, "rate_limited", "Too many requests.", wait_ms);
    }
  }
  if (match == nullptr) {
    auto reply = file_or_not_found(request, std::get<service::Reply>(std::move(found)));
    const auto& metrics = worker_.metrics();
    (reply.status < 400 ? metrics.static_files : metrics.unknown).observe(reply.status, seconds());
    co_return reply;
  }
  auto refused = co_await read_body(parser, match->route->body_bytes_max);
  if (refused) co_return std::move(*refused);
  service::Request whole = request;
  whole.body = parser.get().body();
  expect_within(limits::kResponseTimeMs);
  auto reply = co_await run_route(*match, whole);
  match->metrics->observe(reply.status, seconds());
  co_return reply;
}

service::Reply HttpConnection::file_or_not_found(const service::Request& request,
                                                 service::Reply not_found) {
  const auto* file = worker_.site().files.find(request.path);
  if (file == nullptr || not_found.status == 405) return not_found;
  if (request.method != service::Method::get && request.method != service::Method::head) {
    auto reply = service::error_reply(405, "method_not_allowed", "This address takes GET, HEAD.");
    reply.headers += "Allow: GET, HEAD\r\n";
    return reply;
  }
  return StaticFiles::reply(*file, request.headers);
}

Task<service::Reply> HttpConnection::run_route(const service::Match& match,
                                               const service::Request& request) {
  // The reply may come later and from any thread; it finds this coroutine through `waiting`.
  struct Waiting {
    std::optional<service::Reply> reply;
    Timer arrived;
    explicit Waiting(asio::io_context& io) : arrived(io.get_executor(), Timer::time_point::max()) {}
  };
  if (const auto* at_once = std::get_if<service::AtOnce>(&match.route->handler); at_once) {
    co_return *worker_.site().router.run(match, request, {});
  }
  const auto waiting = std::make_shared<Waiting>(worker_.io());
  auto reply = worker_.site().router.run(
      match, request, [waiting, &io = worker_.io()](service::Reply answered) {
        asio::post(io, [waiting, answered = std::move(answered)]() mutable {
          waiting->reply = std::move(answered);
          waiting->arrived.cancel();
        });
      });
  if (reply) co_return std::move(*reply);
  while (!waiting->reply) co_await waiting->arrived.async_wait(kAwait);
  co_return std::move(*waiting->reply);
}

Task<HttpConnection::Next> HttpConnection::upgrade(Parser& parser, const std::string& address) {
  const auto& message = parser.get();
  const auto& site = worker_.site();
  const HeaderFields headers(message);
  const auto refuse = [&](int status, std::string_view code, std::string_view text) {
    worker_.metrics().unknown.observe(status, 0);
    return service::error_reply(status, code, text);
  };
  if (message.method() != http::verb::get) {
    auto reply = refuse(405, "method_not_allowed", "This address takes GET.");
    reply.headers += "Allow: GET\r\n";
    co_return co_await write(reply, false);
  }
  const auto key = headers.get("Sec-WebSocket-Key");
  if (key.size() != kKeyCharacters || !key.ends_with("==") ||
      headers.get("Sec-WebSocket-Version") != "13" ||
      !boost::beast::websocket::is_upgrade(message)) {
    auto reply = refuse(426, "upgrade_required", "This address speaks WebSocket.");
    reply.headers += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    co_return co_await write(reply, false);
  }
  if (!origin_allowed(headers.get("Origin"), headers.get("Host"), site.allowed_origins)) {
    worker_.metrics().refused_origin.add();
    co_return co_await write(
        refuse(403, "bad_origin", "Pages of this origin may not connect here."), false);
  }
  if (const auto wait_ms = worker_.admission().requests().take(address, base::steady_ns());
      wait_ms > 0) {
    co_return co_await write(
        service::error_reply_later(429, "rate_limited", "Too many requests.", wait_ms), false);
  }
  if (worker_.draining()) {
    co_return co_await write(
        service::error_reply_later(503, "draining", "This server is going down.", 1000), false);
  }
  if (!worker_.admission().move_to(place_, address)) {
    worker_.metrics().refused_address_limit.add();
    co_return co_await write(
        service::error_reply_later(429, "rate_limited", "Too many connections.", 10'000), false);
  }
  UpgradeRequest request{
      .target = std::string(message.target()),
      .host = std::string(headers.get("Host")),
      .key = std::string(key),
      .early_bytes = std::string(static_cast<const char*>(buffer_.data().data()), buffer_.size())};
  serve_websocket(worker_, std::move(socket_), std::move(request), std::move(place_));
  co_return Next::websocket;
}

Task<HttpConnection::Next> HttpConnection::write(const service::Reply& reply, bool keep_alive,
                                                 bool head_only, bool http_1_0) {
  expect_within(limits::kResponseTimeMs);
  const auto& site = worker_.site();
  const auto head = response_head(reply, {worker_.date(), site.served_by, http_1_0, keep_alive});
  const auto body = head_only || reply.status == 304 ? std::string_view() : reply.bytes();
  const std::array buffers = {asio::buffer(head), asio::buffer(body.data(), body.size())};
  auto [error, size] = co_await asio::async_write(socket_, buffers, kAwait);
  site.metrics.bytes_sent.add(static_cast<double>(size));
  if (error) co_return Next::close;
  co_return keep_alive ? Next::request : Next::linger;
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
