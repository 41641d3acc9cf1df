#include "net/server.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/clock.hpp"

namespace net {

namespace {

constexpr std::chrono::milliseconds kDrainPoll{5};

/// Throws when somebody else listens there: the workers share the port among themselves, and so
/// would let another of our programs in.
void check_free(const asio::ip::tcp::endpoint& endpoint) {
  asio::io_context io;
  asio::ip::tcp::acceptor probe(io, endpoint.protocol());
  probe.set_option(asio::socket_base::reuse_address(true));
  probe.bind(endpoint);
}

}  // namespace

Server::Server(const Site& site, ServerOptions options, std::vector<loop::EventLoop*> loops)
    : options_(std::move(options)),
      loops_(std::move(loops)),
      admission_(options_.connections_max, options_.connections_per_address_max,
                 options_.requests_per_address),
      metrics_(site.metrics) {
  for (auto* own : loops_) {
    workers_.push_back(std::make_unique<Worker>(site, admission_, metrics_, own->io()));
  }
  if (site.websockets) {
    std::vector<Hub::Member> members;
    for (const auto& worker : workers_) members.push_back({&worker->io(), &worker->shard()});
    hub_ = std::make_unique<Hub>(std::move(members), site.websockets->feed, options_.tick_ms_max,
                                 site.metrics, site.websockets->on_online);
  }
  if (site.streams != nullptr) {
    std::vector<StreamHub::Member> members;
    for (const auto& worker : workers_) members.push_back({&worker->io(), &worker->streams()});
    streams_ = std::make_unique<StreamHub>(std::move(members), *site.streams, options_.tick_ms_max,
                                           site.metrics);
  }
}

Server::~Server() { stop(); }

base::Status Server::listen() {
  try {
    asio::ip::tcp::endpoint endpoint(asio::ip::make_address(options_.host), options_.port);
    check_free(endpoint);
    for (const auto& worker : workers_) {
      worker->listen(endpoint);
      endpoint = worker->endpoint();  // the others share the port that the first one got
    }
    port_ = endpoint.port();
  } catch (const boost::system::system_error& failed) {
    return base::Error{"cannot listen on " + options_.host + " port " +
                       std::to_string(options_.port) + ": " + failed.code().message()};
  }
  return base::Done{};
}

void Server::start() {
  running_ = true;
  asio::post(workers_.front()->io(), [this] {
    if (hub_) hub_->start();
  });
  for (const auto& worker : workers_) worker->start();
}

void Server::wake() {
  if (hub_) hub_->wake();
  if (streams_) streams_->wake();
}

std::size_t Server::connections() const {
  std::size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->connections();
  return sum;
}

std::size_t Server::drain(std::uint32_t pace_ms, std::int64_t limit_ms) {
  const auto deadline_ms = base::steady_ms() + limit_ms;
  for (const auto& worker : workers_) worker->drain(pace_ms);
  // The first look comes after the workers have begun: what they accepted last counts too.
  do {
    std::this_thread::sleep_for(kDrainPoll);
  } while (connections() > 0 && base::steady_ms() < deadline_ms);
  return connections();
}

void Server::cut_off() {
  if (!running_) return;
  asio::post(workers_.front()->io(), [this] {
    if (hub_) hub_->stop();
    if (streams_) streams_->stop();
  });
  for (const auto& worker : workers_) worker->cut_off();
}

void Server::stop() {
  cut_off();
  if (!std::exchange(running_, false)) return;
  for (auto* own : loops_) own->join();
}

}  // namespace net
