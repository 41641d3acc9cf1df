#include "net/worker.hpp"

#include <ctime>
#include <exception>
#include <utility>

#include <sys/socket.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/address.hpp"
#include "net/http_connection.hpp"
#include "ops/log.hpp"

namespace net {

namespace {

namespace limits = base::limits;

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kAcceptRetry{100};
constexpr std::size_t kDrainSteps = 20;

std::string http_date() {
  const std::time_t now = base::wall_ms() / 1000;
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[64];
  const auto size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, size};
}

}  // namespace

NetMetrics::NetMetrics(ops::Metrics& metrics)
    : http_open(metrics.connections.with("http")),
      websocket_open(metrics.connections.with("websocket")),
      streams_open(metrics.connections.with("stream")),
      http_total(metrics.connections_total.with("http")),
      websocket_total(metrics.connections_total.with("websocket")),
      streams_total(metrics.connections_total.with("stream")),
      refused_total_limit(metrics.connections_refused.with("total_limit")),
      refused_address_limit(metrics.connections_refused.with("address_limit")),
      refused_origin(metrics.connections_refused.with("bad_origin")),
      frames_catch_up(metrics.frames_sent.with("catch_up")),
      frames_answer(metrics.frames_sent.with("answer")),
      frames_control(metrics.frames_sent.with("control")),
      static_files(metrics.route("static")),
      unknown(metrics.route("unknown")) {}

Worker::Worker(const Site& site, Admission& admission, const NetMetrics& metrics,
               asio::io_context& io)
    : site_(site),
      admission_(admission),
      metrics_(metrics),
      io_(io),
      now_ms_(base::steady_ms()),
      date_(http_date()) {
  if (site.websockets) {
    shard_.emplace(site.websockets->feed, site.websockets->offset, site.metrics);
  }
  if (site.streams != nullptr) streams_.emplace(*site.streams, site.metrics);
}

void Worker::listen(const asio::ip::tcp::endpoint& endpoint) {
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  const int on = 1;
  if (::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    throw boost::system::system_error(errno, boost::system::system_category(), "SO_REUSEPORT");
  }
  acceptor_.bind(endpoint);
  acceptor_.listen(kBacklog);
  acceptor_.non_blocking(true);
}

void Worker::start() {
  // Nothing in it throws but for lack of memory, and a worker that accepts nobody must not go on.
  asio::co_spawn(io_, accept(), [](const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
  });
  asio::co_spawn(io_, sweep(), asio::detached);
}

Task<> Worker::accept() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(io_.get_executor(), kAwait);
    if (!error) {
      open(std::move(socket));
    } else if (error != asio::error::operation_aborted && acceptor_.is_open()) {
      // Most likely out of descriptors: wait for some to come back instead of spinning.
      ops::log::warning("cannot accept a connection", {{"error", error.message()}});
      Timer pause(io_.get_executor(), kAcceptRetry);
      co_await pause.async_wait(kAwait);
    }
  }
}

void Worker::open(Socket socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error).address();
  if (error) return;  // gone already
  socket.non_blocking(true, error);
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  const bool is_proxy = site_.trusted_proxies.contains(peer);
  auto place = admission_.admit(is_proxy ? std::string() : limit_key(peer));
  if (const auto* refusal = std::get_if<Admission::Refusal>(&place)) {
    const bool total = *refusal == Admission::Refusal::total_limit;
    (total ? metrics_.refused_total_limit : metrics_.refused_address_limit).add();
    refuse_connection(socket);
    return;
  }
  serve_http(*this, std::move(socket), peer, std::get<Admission::Place>(std::move(place)));
}

Task<> Worker::sweep() {
  while (!stopping_ || !connections_.empty()) {
    sweep_timer_.expires_after(std::chrono::milliseconds(limits::kSweepMs));
    co_await sweep_timer_.async_wait(kAwait);
    date_ = http_date();
    now_ms_ = base::steady_ms();
    for (Connection* connection : connections_) {
      connection->sweep(now_ms_);
      count(*connection);
    }
    const auto [received, sent] = std::exchange(traffic_, {});
    site_.metrics.bytes_received.add(static_cast<double>(received));
    site_.metrics.bytes_sent.add(static_cast<double>(sent));
  }
}

void Worker::add(Connection& connection) {
  connection.place_ = connections_.size();
  connections_.push_back(&connection);
  connection_count_.store(connections_.size());
  if (stopping_) connection.abort();
}

void Worker::remove(Connection& connection) {
  count(connection);
  connections_.back()->place_ = connection.place_;
  connections_[connection.place_] = connections_.back();
  connections_.pop_back();
  connection.ended_ = true;
  connection_count_.store(connections_.size());
  if (stopping_ && connections_.empty()) sweep_timer_.cancel();
}

void Worker::post(std::shared_ptr<const Connection> connection, base::Callback<void()> task) {
  bool wake = false;
  {
    const std::lock_guard lock(posted_mutex_);
    wake = posted_.empty();
    posted_.push_back({std::move(connection), std::move(task)});
  }
  if (wake) asio::post(io_, [this] { run_posted(); });
}

void Worker::run_posted() {
  {
    const std::lock_guard lock(posted_mutex_);
    running_.swap(posted_);
  }
  for (auto& [connection, task] : running_) {
    if (!connection->ended()) task();
  }
  running_.clear();
}

/// Counters are shared by all threads, so bytes are gathered here first.
void Worker::count(Connection& connection) {
  const auto [received, sent] = connection.take_traffic();
  traffic_.received += received;
  traffic_.sent += sent;
}

void Worker::drain(std::uint32_t pace_ms) {
  asio::post(io_, [this, pace_ms] { begin_drain(pace_ms); });
}

void Worker::begin_drain(std::uint32_t pace_ms) {
  draining_ = true;
  // Whoever the kernel has accepted for us already is still answered.
  boost::system::error_code error;
  for (int accepted = 0; accepted < kBacklog && !error; ++accepted) {
    Socket socket(io_.get_executor());
    acceptor_.accept(socket, error);
    if (!error) open(std::move(socket));
  }
  acceptor_.close(error);
  asio::co_spawn(io_, drain_paced(pace_ms), asio::detached);
}

Task<> Worker::drain_paced(std::uint32_t pace_ms) {
  // A copy of the list would dangle, so each step takes from the end what is not asked yet.
  const std::size_t at_once = connections_.size() / kDrainSteps + 1;
  std::size_t left = connections_.size();
  while (left > 0 && !stopping_) {
    left = std::min(left, connections_.size());
    for (std::size_t i = 0; i < at_once && left > 0; ++i) connections_[--left]->drain();
    drain_timer_.expires_after(std::chrono::milliseconds(pace_ms / kDrainSteps));
    co_await drain_timer_.async_wait(kAwait);
  }
}

void Worker::cut_off() {
  asio::post(io_, [this] {
    if (std::exchange(stopping_, true)) return;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    sweep_timer_.cancel();
    drain_timer_.cancel();
    for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->abort();
  });
}

}  // namespace net
