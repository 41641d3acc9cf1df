// What every program of ours does around its own parts: listens, serves until it is told to stop,
// drains, and stops in the right order.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "loop/event_loop.hpp"
#include "net/address.hpp"
#include "net/server.hpp"
#include "net/static_files.hpp"
#include "ops/config.hpp"
#include "ops/metrics.hpp"
#include "ops/readiness.hpp"
#include "service/router.hpp"

namespace apps {

/// Without its store a replica that shares one calls itself unready after so long.
inline constexpr std::int64_t kCutOffMs = 5'000;

/// Blocks the signals that serve_until_signal() waits for. Before any thread is there, so that all
/// inherit it.
void block_stop_signals();

/// Ends the process at once: its state is one that only a new process can tell, and nothing more
/// may be answered.
[[noreturn]] void end_at_once(const std::string& why);

/// Made, opened and run on one thread; wake() may be called on any, also before it is opened. Its
/// loops run until stop().
class Host {
 public:
  /// All arguments outlive the host.
  Host(const ops::Config& config, ops::Metrics& metrics, ops::Readiness& readiness);

  /// Where a part can live that has much to do with what is served. It is gone before the host.
  [[nodiscard]] loop::EventLoop& loop() { return *loops_.front(); }

  /// What only some programs serve.
  struct Live {
    std::optional<net::WebSockets> websockets;
    service::Streams* streams = nullptr;
  };
  /// Opens the listening sockets; serves nobody yet.
  base::Status open(std::vector<service::Route> routes, const auth::TokenSigner& tokens, Live live);

  /// Somebody who is connected has something to hear.
  void wake();

  /// Serves until SIGTERM or SIGINT, drains, stops everything with `stop_parts`, and returns the
  /// exit status.
  int serve_until_signal(const std::function<void()>& stop_parts);

  /// Ends every connection, then stops the parts that answer them, then the server. A connection
  /// ends when its last request is answered, which may need a part to give up; by then it cannot
  /// tell anybody an answer that is none. Idempotent.
  void stop(const std::function<void()>& stop_parts);

 private:
  void drain(const std::function<void()>& stop_parts);

  const ops::Config& config_;
  ops::Metrics& metrics_;
  ops::Readiness& readiness_;
  std::vector<std::unique_ptr<loop::EventLoop>> loops_;  // one for each worker
  std::unique_ptr<service::Router> router_;
  std::optional<net::StaticFiles> files_;
  std::optional<net::Networks> proxies_;
  std::unique_ptr<net::Site> site_;
  std::unique_ptr<net::Server> server_;
  std::atomic<net::Server*> listener_{nullptr};  // once it serves
};

}  // namespace apps
