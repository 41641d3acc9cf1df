#include "redis/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

#include "base/limits.hpp"
#include "redis/tls.hpp"

namespace redis {

namespace {

namespace limits = base::limits;

/// A peer that is gone without a word is noticed within seconds, not hours. Best effort: a socket
/// without these options works.
void set_options(int socket) {
  const auto set = [socket](int level, int option, int value) {
    static_cast<void>(::setsockopt(socket, level, option, &value, sizeof value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, limits::kRedisKeepAliveSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, limits::kRedisKeepAliveSeconds);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, limits::kRedisUserTimeoutMs);
}

}  // namespace

Transport::Transport(const asio::any_io_executor& executor)
    : socket_(executor), resolver_(executor) {}

asio::awaitable<base::Status> Transport::connect(Address address, asio::ssl::context* tls) {
  const auto endpoints = co_await resolve(address);
  if (!endpoints) co_return endpoints.error();
  boost::system::error_code error = asio::error::host_not_found;
  for (const Endpoint& endpoint : *endpoints) {
    if (closed_) co_return base::Error{"given up"};
    boost::system::error_code ignored;
    socket_.close(ignored);
    std::tie(error) = co_await socket_.async_connect(endpoint, kAwait);
    if (!error) break;
  }
  if (closed_) co_return base::Error{"given up"};
  if (error) co_return base::Error{describe(error)};
  if (address.path.empty()) set_options(socket_.native_handle());
  if (tls == nullptr) co_return base::Done{};
  co_return co_await shake_hands(address.host, *tls);
}

asio::awaitable<base::Result<std::vector<Transport::Endpoint>>> Transport::resolve(
    const Address& address) {
  std::vector<Endpoint> endpoints;
  if (!address.path.empty()) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(address.path));
    co_return endpoints;
  }
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (!error) {
    endpoints.emplace_back(asio::ip::tcp::endpoint(ip, address.port));
    co_return endpoints;
  }
  const auto [failed, found] =
      co_await resolver_.async_resolve(address.host, std::to_string(address.port), kAwait);
  if (failed) co_return base::Error{"cannot resolve the host: " + failed.message()};
  for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
  co_return endpoints;
}

asio::awaitable<base::Status> Transport::shake_hands(const std::string& host,
                                                     asio::ssl::context& tls) {
  tls_.emplace(socket_, tls);
  expect_host(tls_->native_handle(), host);
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kAwait);
  if (!error) co_return base::Done{};
  const auto problem = certificate_problem(tls_->native_handle());
  if (problem.empty()) co_return base::Error{"no TLS: " + describe(error)};
  co_return base::Error{"the server's certificate is not accepted: " + problem};
}

Transport::Transfer Transport::read_some(asio::mutable_buffer buffer) {
  return tls_ ? tls_->async_read_some(buffer, kAwait) : socket_.async_read_some(buffer, kAwait);
}

Transport::Transfer Transport::write(asio::const_buffer bytes) {
  return tls_ ? asio::async_write(*tls_, bytes, kAwait) : asio::async_write(socket_, bytes, kAwait);
}

void Transport::close() {
  closed_ = true;
  resolver_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::string describe(const boost::system::error_code& error) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return "closed by the server";
  }
  return error.message();
}

}  // namespace redis
