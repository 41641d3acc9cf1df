#include "net/websocket_connection.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/gated_socket.hpp"
#include "net/outbox.hpp"
#include "net/worker.hpp"
#include "ops/log.hpp"

namespace net {

namespace {

namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
namespace limits = base::limits;

constexpr std::size_t kLingerBytes = 1024;
constexpr std::size_t kReadBufferBytes = limits::kMessageBytesMax + 64;
constexpr std::uint32_t kReconnectWithinMs = 5'000;

const std::string& ping_frame() {
  static const std::string frame = wire::frame(wire::Opcode::ping, {});
  return frame;
}

/// One connection, on its worker's thread. Kept alive by its coroutine and by answers on the way.
class WebSocketConnection final : public Connection, public Subscriber, public service::Outlet {
 public:
  WebSocketConnection(Worker& worker, Socket socket, UpgradeRequest request, Admission::Place place)
      : worker_(worker),
        outbox_(socket.native_handle()),
        place_(std::move(place)),
        request_(std::make_unique<UpgradeRequest>(std::move(request))),
        stream_(std::move(socket), std::move(request_->early_bytes)) {
    stream_.next_layer().set_gate([this](std::string_view bytes) { from_beast(bytes); });
  }

  void start() {
    auto self = std::static_pointer_cast<WebSocketConnection>(shared_from_this());
    worker_.add(*this);
    worker_.metrics().websocket_open.add();
    worker_.metrics().websocket_total.add();
    asio::co_spawn(worker_.io(), run(std::move(self)), asio::detached);
  }

  // Connection.
  void sweep(std::int64_t now_ms) override;
  void drain() override;
  void abort() override;
  Traffic take_traffic() override;

  // Subscriber.
  bool deliver(const service::Tick& tick) override;
  void keep(const service::Tick& tick, std::size_t sent, bool failed) override;
  void begin_anew(const wire::SharedBytes& frame) override;
  void tell(const wire::SharedBytes& frame) override;
  void notify(const wire::SharedBytes& frame) override;

  // Outlet.
  void send(std::string_view message) override;
  void go_live(std::uint64_t offset) override;
  void stop_feed() override;
  void greet() override;
  void close(wire::CloseCode code) override;
  void post(base::Callback<void()> task) override;

 private:
  Task<> run(std::shared_ptr<WebSocketConnection> self);
  Task<bool> handshake();
  Task<> read();
  Task<> linger();
  void end();

  void from_beast(std::string_view bytes);
  void add(std::string_view frame);
  void flush_soon();
  void settle(Outbox::State state);
  void catch_up();
  void set_behind(bool behind);
  void close_when_drained();
  void set_direct(bool direct);
  void update_direct();

  bool live_ = false;     // follows the feed
  bool direct_ = false;   // … and the shard writes ticks straight to the socket
  bool behind_ = false;   // missed a tick; catches up when the socket takes bytes again
  bool closing_ = false;  // a close frame is out; nothing may follow it
  bool blocked_ = false;  // waiting until the socket can be written
  bool flush_scheduled_ = false;
  bool greeted_ = false;
  bool draining_ = false;
  bool aborted_ = false;        // the socket is closed
  std::uint64_t position_ = 0;  // where the client stands, while live_ and not direct_
  Worker& worker_;
  Outbox outbox_;

  const std::int64_t opened_ms_ = base::steady_ms();
  std::int64_t heard_ms_ = opened_ms_;     // last byte from the client
  std::int64_t progress_ms_ = opened_ms_;  // last byte taken by the client, while blocked_
  std::int64_t pinged_ms_ = opened_ms_;
  std::int64_t close_by_ms_ = INT64_MAX;  // set when a close frame has been sent
  std::uint64_t bytes_received_ = 0;      // not counted yet
  Admission::Place place_;
  std::unique_ptr<service::Conversation> conversation_;
  std::unique_ptr<UpgradeRequest> request_;  // until the handshake is done
  boost::beast::flat_buffer buffer_{kReadBufferBytes};
  websocket::stream<GatedSocket, false> stream_;
};

Task<> WebSocketConnection::run(std::shared_ptr<WebSocketConnection>) {
  try {
    if (co_await handshake()) co_await read();
  } catch (const std::exception& bug) {
    ops::log::error("a WebSocket connection failed", {{"what", bug.what()}});
    close(wire::CloseCode::internal);
  }
  if (!blocked_) settle(outbox_.flush());
  co_await linger();
  end();
}

Task<bool> WebSocketConnection::handshake() {
  http::request<http::empty_body> request(http::verb::get, request_->target, 11);
  request.set(http::field::host, request_->host);
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_key, request_->key);
  request.set(http::field::sec_websocket_version, "13");
  request_.reset();
  stream_.read_message_max(limits::kMessageBytesMax);
  stream_.set_option(websocket::stream_base::decorator(
      [&site = worker_.site()](websocket::response_type& response) {
        response.set(http::field::server, "pixel-battle");  // not the library and its version
        response.set("X-Served-By", site.served_by);
      }));
  stream_.control_callback(
      [this](websocket::frame_type, boost::beast::string_view) { heard_ms_ = base::steady_ms(); });
  // A smaller buffer in the kernel: what waits there is out of date by the time it is read.
  boost::system::error_code ignored;
  stream_.next_layer().socket().set_option(
      asio::socket_base::send_buffer_size(limits::kSocketSendBufferBytes), ignored);
  auto [error] = co_await stream_.async_accept(request, kAwait);
  if (error) co_return false;
  conversation_ = worker_.site().websockets->open_conversation(*this);
  co_return true;
}

Task<> WebSocketConnection::read() {
  while (true) {
    auto [error, size] = co_await stream_.async_read(buffer_, kAwait);
    if (error) co_return;
    heard_ms_ = base::steady_ms();
    bytes_received_ += size;
    if (!closing_ && !stream_.got_binary()) close(wire::CloseCode::not_binary);
    // What a draining server does not look at stays unanswered and comes again elsewhere.
    if (!closing_ && !draining_) {
      conversation_->on_message({static_cast<const char*>(buffer_.data().data()), size});
    }
    buffer_.consume(buffer_.size());
  }
}

/// Lets the client read the close frame: closing a socket with unread bytes would reset it.
Task<> WebSocketConnection::linger() {
  closing_ = true;
  update_direct();
  close_by_ms_ = std::min(close_by_ms_, base::steady_ms() + limits::kCloseTimeMs);
  auto& socket = stream_.next_layer().socket();
  boost::system::error_code error;
  socket.shutdown(Socket::shutdown_send, error);
  std::array<char, kLingerBytes> discarded;
  while (!error) {
    auto [failed, size] = co_await socket.async_read_some(asio::buffer(discarded), kAwait);
    error = failed;
  }
}

void WebSocketConnection::end() {
  abort();
  set_behind(false);
  if (greeted_) worker_.shard().remove(*this);
  worker_.remove(*this);
  worker_.metrics().websocket_open.subtract();
  place_ = {};
}

void WebSocketConnection::abort() {
  aborted_ = true;
  update_direct();
  outbox_.abandon();
  boost::system::error_code ignored;
  stream_.next_layer().socket().close(ignored);
}

void WebSocketConnection::sweep(std::int64_t now_ms) {
  const bool silent = now_ms - heard_ms_ > limits::kSilenceMs;
  const bool stalled = blocked_ && now_ms - progress_ms_ > limits::kStallMs;
  if (now_ms > close_by_ms_ || silent || stalled) return abort();
  if (!greeted_ && !closing_ && now_ms - opened_ms_ > limits::kHelloTimeMs) {
    return close(wire::CloseCode::no_hello);
  }
  if (now_ms - std::max(heard_ms_, pinged_ms_) > limits::kPingEveryMs) {
    pinged_ms_ = now_ms;
    add(ping_frame());
  }
}

Traffic WebSocketConnection::take_traffic() {
  return {std::exchange(bytes_received_, 0), outbox_.take_bytes_sent()};
}

void WebSocketConnection::drain() {
  if (draining_) return;
  draining_ = true;
  if (!conversation_) return abort();  // still in the handshake
  add(*worker_.site().websockets->feed.draining(kReconnectWithinMs));
  close_when_drained();
}

void WebSocketConnection::close_when_drained() {
  if (draining_ && conversation_->settled()) close(wire::CloseCode::restart);
}

// --- The feed ---------------------------------------------------------------------------------
//
// Two rules keep a client from waiting for ever. While blocked_, a wait for writability is under
// way and ends in settle(). While behind_, the outbox is not empty, so either that wait or a
// scheduled flush is under way, and both end in settle(), which catches up.

bool WebSocketConnection::deliver(const service::Tick& tick) {
  if (!live_ || behind_ || closing_) return false;
  if (!blocked_ && !outbox_.empty()) settle(outbox_.flush());
  set_direct(false);  // position_ speaks again
  if (!outbox_.empty()) {
    set_behind(true);
    return false;
  }
  if (position_ == tick.base && tick.frame) {
    position_ = tick.offset;
    const auto state = outbox_.send(tick.frame);
    settle(state);
    return true;
  }
  if (position_ < tick.offset) {
    catch_up();
  } else {
    update_direct();
  }
  return false;
}

void WebSocketConnection::keep(const service::Tick& tick, std::size_t sent, bool failed) {
  set_direct(false);
  if (failed) return abort();
  outbox_.keep(tick.frame, sent);
  settle(Outbox::State::blocked);
}

void WebSocketConnection::set_direct(bool direct) {
  if (direct == direct_) return;
  direct_ = direct;
  auto& shard = worker_.shard();
  if (direct) {
    shard.follow(*this, stream_.next_layer().socket().native_handle(), position_);
  } else {
    position_ = shard.unfollow(*this);
  }
}

/// To be called whenever one of these has changed.
void WebSocketConnection::update_direct() {
  set_direct(live_ && !behind_ && !closing_ && !aborted_ && outbox_.empty());
}

void WebSocketConnection::begin_anew(const wire::SharedBytes& frame) {
  if (!live_) return;
  stop_feed();
  worker_.metrics().frames_control.add();
  add(*frame);
}

void WebSocketConnection::tell(const wire::SharedBytes& frame) {
  if (!blocked_ && !outbox_.empty()) settle(outbox_.flush());
  if (closing_ || !outbox_.empty()) return;
  worker_.metrics().frames_control.add();
  settle(outbox_.send(frame));
}

void WebSocketConnection::notify(const wire::SharedBytes& frame) {
  if (closing_) return;
  worker_.metrics().frames_control.add();
  if (!outbox_.empty()) return add(*frame);
  settle(outbox_.send(frame));
}

void WebSocketConnection::go_live(std::uint64_t offset) {
  set_direct(false);
  live_ = true;
  set_behind(false);
  position_ = offset;
  if (!blocked_) settle(outbox_.flush());
  if (!outbox_.empty()) return set_behind(true);
  catch_up();
}

void WebSocketConnection::stop_feed() {
  live_ = false;
  set_behind(false);
  update_direct();
}

/// One conflated delta to where everyone else stands. Only with an empty outbox.
void WebSocketConnection::catch_up() {
  set_behind(false);
  set_direct(false);
  auto& shard = worker_.shard();
  // A snapshot may be newer than the last tick; then there is nothing to catch up with.
  const bool ahead = position_ > shard.offset();
  auto& feed = worker_.site().websockets->feed;
  auto frame = ahead ? feed.catch_up(position_, position_) : shard.catch_up(position_);
  if (!frame) {
    live_ = false;
    frame = shard.too_far_behind();
  } else if (!ahead) {
    position_ = shard.offset();
  }
  worker_.metrics().frames_catch_up.add();
  settle(outbox_.send(frame));
}

void WebSocketConnection::set_behind(bool behind) {
  if (behind == behind_) return;
  behind_ = behind;
  behind ? worker_.site().metrics.slow_clients.add()
         : worker_.site().metrics.slow_clients.subtract();
}

// --- Sending ----------------------------------------------------------------------------------

void WebSocketConnection::from_beast(std::string_view bytes) {
  worker_.metrics().frames_control.add();
  add(bytes);
}

void WebSocketConnection::send(std::string_view message) {
  worker_.metrics().frames_answer.add();
  add(wire::frame(message));
  if (draining_) close_when_drained();
}

void WebSocketConnection::add(std::string_view frame) {
  if (closing_) return;  // nothing may follow a close frame
  // Whoever asks and never reads the answers gets no more of them.
  if (!outbox_.add(frame)) return abort();
  update_direct();
  flush_soon();
}

/// Everything that is said in one turn of the loop leaves in one write.
void WebSocketConnection::flush_soon() {
  if (blocked_ || std::exchange(flush_scheduled_, true)) return;
  post([this] {
    flush_scheduled_ = false;
    if (!blocked_) settle(outbox_.flush());
  });
}

/// After every write: waits for room if the socket is full, catches up when it is free again.
void WebSocketConnection::settle(Outbox::State state) {
  if (state == Outbox::State::failed) return abort();
  if (state == Outbox::State::empty) {
    if (behind_ && live_ && !closing_) return catch_up();
    return update_direct();
  }
  update_direct();
  blocked_ = true;
  progress_ms_ = base::steady_ms();
  stream_.next_layer().socket().async_wait(
      Socket::wait_write,
      [this, self = shared_from_this()](const boost::system::error_code& error) {
        blocked_ = false;
        if (error || ended()) return;
        settle(outbox_.flush());
      });
}

void WebSocketConnection::greet() {
  greeted_ = true;
  worker_.shard().add(*this);
}

void WebSocketConnection::close(wire::CloseCode code) {
  if (closing_) return;
  add(wire::close_frame(code));
  closing_ = true;
  update_direct();
  close_by_ms_ = base::steady_ms() + limits::kCloseTimeMs;
}

void WebSocketConnection::post(base::Callback<void()> task) {
  worker_.post(std::static_pointer_cast<WebSocketConnection>(shared_from_this()), std::move(task));
}

}  // namespace

void serve_websocket(Worker& worker, Socket socket, UpgradeRequest request,
                     Admission::Place place) {
  std::make_shared<WebSocketConnection>(worker, std::move(socket), std::move(request),
                                        std::move(place))
      ->start();
}

}  // namespace net
