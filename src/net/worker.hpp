// One worker: what serves on one event loop, with its own listening socket (SO_REUSEPORT) and the
// connections that it accepted, which never leave it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.hpp"
#include "net/admission.hpp"
#include "net/connection.hpp"
#include "net/hub.hpp"
#include "net/static_files.hpp"
#include "net/stream_hub.hpp"
#include "net/types.hpp"
#include "ops/metrics.hpp"
#include "service/conversation.hpp"
#include "service/router.hpp"

namespace net {

class Networks;

/// What WebSocket clients are served.
struct WebSockets {
  std::string_view path;
  service::Feed& feed;
  std::uint64_t offset = 0;  // where the feed stands when the server is made
  service::OpenConversation open_conversation;
  std::vector<std::string> allowed_origins;
  /// Gets the number of players here now and then, and gives the number of players everywhere.
  std::function<std::uint32_t(std::uint32_t)> on_online;
};

/// What every worker serves; all of it outlives them.
struct Site {
  const service::Router& router;
  const StaticFiles& files;
  std::string served_by;
  const Networks& trusted_proxies;
  ops::Metrics& metrics;
  std::optional<WebSockets> websockets;
  service::Streams* streams = nullptr;  // of routes that answer with a stream, if there are any
};

/// Metrics resolved once for all connections.
struct NetMetrics {
  explicit NetMetrics(ops::Metrics& metrics);

  ops::Gauge http_open;
  ops::Gauge websocket_open;
  ops::Gauge streams_open;
  ops::Counter http_total;
  ops::Counter websocket_total;
  ops::Counter streams_total;
  ops::Counter refused_total_limit;
  ops::Counter refused_address_limit;
  ops::Counter refused_origin;
  ops::Counter frames_catch_up;
  ops::Counter frames_answer;
  ops::Counter frames_control;
  ops::RouteMetrics static_files;
  ops::RouteMetrics unknown;
};

class Worker {
 public:
  /// Everything of it lives on `io`, which runs as long as it does.
  Worker(const Site& site, Admission& admission, const NetMetrics& metrics, asio::io_context& io);

  /// Opens the listening socket; throws boost::system::system_error.
  void listen(const asio::ip::tcp::endpoint& endpoint);
  [[nodiscard]] asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

  void start();
  /// Takes nothing new; every connection finishes what is under way. Thread-safe.
  void drain(std::uint32_t pace_ms);
  /// Ends every connection: what is answered from then on goes nowhere. Nothing is left to be done
  /// once the last request has its answer. Thread-safe, idempotent.
  void cut_off();

  [[nodiscard]] std::size_t connections() const { return connection_count_.load(); }

  /// Runs `task` on this worker's thread, after what was posted before, unless the connection has
  /// ended by then. Thread-safe; many at once wake the thread once.
  void post(std::shared_ptr<const Connection> connection, base::Callback<void()> task);

  // For connections, on this thread.
  asio::io_context& io() { return io_; }
  HubShard& shard() { return *shard_; }         // where there are WebSockets
  StreamShard& streams() { return *streams_; }  // where there are streams
  [[nodiscard]] const Site& site() const { return site_; }
  Admission& admission() { return admission_; }
  [[nodiscard]] const NetMetrics& metrics() const { return metrics_; }
  [[nodiscard]] bool draining() const { return draining_; }
  /// base::steady_ms() as of the last sweep: near enough for deadlines.
  [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }
  /// The current second as an HTTP Date.
  [[nodiscard]] std::string_view date() const { return date_; }
  void add(Connection& connection);
  void remove(Connection& connection);

 private:
  Task<> accept();
  void open(Socket socket);
  Task<> sweep();
  void run_posted();
  void count(Connection& connection);
  void begin_drain(std::uint32_t pace_ms);
  Task<> drain_paced(std::uint32_t pace_ms);

  const Site& site_;
  Admission& admission_;
  const NetMetrics& metrics_;
  asio::io_context& io_;
  Acceptor acceptor_{io_.get_executor()};
  Timer sweep_timer_{io_.get_executor()};
  Timer drain_timer_{io_.get_executor()};
  std::optional<HubShard> shard_;
  std::optional<StreamShard> streams_;
  std::vector<Connection*> connections_;
  std::atomic<std::size_t> connection_count_{0};
  Traffic traffic_;  // of all connections, since the last sweep
  bool draining_ = false;
  bool stopping_ = false;
  std::int64_t now_ms_;
  std::string date_;

  struct Posted {
    std::shared_ptr<const Connection> connection;
    base::Callback<void()> task;
  };
  std::vector<Posted> running_;  // of run_posted(), kept for its memory
  std::mutex posted_mutex_;
  std::vector<Posted> posted_;  // guarded by posted_mutex_
};

}  // namespace net
