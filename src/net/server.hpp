// The server: workers, hub and admission, started and drained together. Start reading src/net here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "loop/event_loop.hpp"
#include "net/admission.hpp"
#include "net/hub.hpp"
#include "net/stream_hub.hpp"
#include "net/worker.hpp"

namespace net {

struct ServerOptions {
  std::string host;
  std::uint16_t port = 0;  // 0: any free one
  std::size_t connections_max = 0;
  std::size_t connections_per_address_max = 0;
  double requests_per_address = 0;
  int tick_ms_max = 0;
};

/// Made, listened, started, drained and stopped on one thread; wake() may be called on any.
class Server {
 public:
  /// One worker on each of the loops. They and `site` outlive the server.
  Server(const Site& site, ServerOptions options, std::vector<loop::EventLoop*> loops);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Opens the listening sockets; clients wait in the kernel until start().
  base::Status listen();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void start();

  /// The feed has something new, or a notice; or a stream has.
  void wake();

  /// Stops accepting, asks every client to go elsewhere, spread over `pace_ms`, and waits until
  /// all are gone or `limit_ms` is over. Returns how many were left.
  std::size_t drain(std::uint32_t pace_ms, std::int64_t limit_ms);

  /// Ends every connection that is left: what is answered from then on goes nowhere. Idempotent.
  void cut_off();
  /// Cuts off and joins the loops, once the last requests have their answers. Idempotent.
  void stop();

 private:
  [[nodiscard]] std::size_t connections() const;

  const ServerOptions options_;
  const std::vector<loop::EventLoop*> loops_;
  Admission admission_;
  NetMetrics metrics_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Hub> hub_;            // where there are WebSockets
  std::unique_ptr<StreamHub> streams_;  // where there are streams
  std::uint16_t port_ = 0;
  bool running_ = false;
};

}  // namespace net
