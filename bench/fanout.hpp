// bench_fanout's two servers behind one interface, so that both are driven and read the same way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace bench {

/// A server that sends frames to all its WebSocket clients, listening on a free loopback port.
class FanoutServer {
 public:
  virtual ~FanoutServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Lets clients in until `clients` of them are live.
  virtual void await(std::size_t clients) = 0;
  /// Sends one WebSocket message to every live client, framed once.
  virtual void publish(const std::string& message) = 0;
};

/// The bar: one thread, one loop of non-blocking send() calls over all sockets.
std::unique_ptr<FanoutServer> make_bare_server();

/// The product's own server and hub, on one network thread.
std::unique_ptr<FanoutServer> make_our_server();

}  // namespace bench
