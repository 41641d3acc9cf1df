// A socket for Beast to read from and to answer pings and closes through. Its writes go into the
// connection's outbox, so that they never land in the middle of a frame that is partly sent.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "net/types.hpp"

namespace boost::beast {
enum class role_type;
}  // namespace boost::beast

namespace net {

class GatedSocket {
 public:
  using executor_type = Executor;
  /// Takes whole frames; what it does not want it drops.
  using Gate = std::function<void(std::string_view bytes)>;

  /// `early_bytes` were read from the socket before and come first.
  GatedSocket(Socket socket, std::string early_bytes)
      : socket_(std::move(socket)), early_bytes_(std::move(early_bytes)) {}

  void set_gate(Gate gate) { gate_ = std::move(gate); }
  Socket& socket() { return socket_; }
  executor_type get_executor() { return socket_.get_executor(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          if (early_bytes_.empty()) return socket_.async_read_some(into, std::move(handler));
          const auto size = asio::buffer_copy(into, asio::buffer(early_bytes_));
          std::string(early_bytes_.substr(size)).swap(early_bytes_);  // gives the memory back
          complete(std::move(handler), size);
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          std::string bytes(asio::buffer_size(from), '\0');
          asio::buffer_copy(asio::buffer(bytes), from);
          gate_(bytes);
          complete(std::move(handler), bytes.size());
        },
        token, buffers);
  }

 private:
  template <class Handler>
  void complete(Handler handler, std::size_t size) {
    asio::post(get_executor(), [handler = std::move(handler), size]() mutable {
      std::move(handler)(boost::system::error_code(), size);
    });
  }

  Socket socket_;
  std::string early_bytes_;
  Gate gate_;
};

/// Beast ends a connection through these; whoever owns it closes the socket in its own time.
template <class Handler>
void async_teardown(boost::beast::role_type, GatedSocket& stream, Handler&& handler) {
  asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
    std::move(handler)(boost::system::error_code());
  });
}
inline void beast_close_socket(GatedSocket& stream) {
  boost::system::error_code ignored;
  stream.socket().close(ignored);
}

}  // namespace net
