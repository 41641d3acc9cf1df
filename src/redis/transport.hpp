// The bytes of one connection: plain TCP, TLS over it, or a Unix socket.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <string_view>
#include <tuple>

#include "base/result.hpp"
#include "redis/scope.hpp"
#include "redis/url.hpp"

namespace redis {

/// One read and one write may be under way at a time. Must outlive them.
class Transport {
 public:
  using Transfer = asio::awaitable<std::tuple<boost::system::error_code, std::size_t>>;

  explicit Transport(const asio::any_io_executor& executor);

  /// Resolves, connects to the first address that answers, shakes hands. `tls` may be null and
  /// must outlive the transport. The error is one line. close() ends it.
  asio::awaitable<base::Status> connect(Address address, asio::ssl::context* tls);

  Transfer read_some(asio::mutable_buffer buffer);
  Transfer write(asio::const_buffer bytes);

  /// What connect() is waiting for, for people.
  [[nodiscard]] std::string_view awaited() const { return tls_ ? "TLS handshake" : "connection"; }

  /// Whatever is under way ends with an error.
  void close();

 private:
  using Socket = asio::generic::stream_protocol::socket;
  using Endpoint = asio::generic::stream_protocol::endpoint;

  asio::awaitable<base::Result<std::vector<Endpoint>>> resolve(const Address& address);
  asio::awaitable<base::Status> shake_hands(const std::string& host, asio::ssl::context& tls);

  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  asio::ip::tcp::resolver resolver_;
  bool closed_ = false;
};

/// One line for people; `closed by the server` for every kind of an end.
std::string describe(const boost::system::error_code& error);

}  // namespace redis
