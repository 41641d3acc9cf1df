#include "apps/shared/host.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include <pthread.h>

#include "base/clock.hpp"
#include "ops/log.hpp"
#include "service/operator_routes.hpp"

namespace apps {

namespace {

constexpr std::int64_t kDrainPaceMsMax = 2'000;
constexpr std::int64_t kDrainPaceShare = 3;  // clients are asked to leave in a third of the limit

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void block_stop_signals() {
  const auto signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void end_at_once(const std::string& why) {
  ops::log::error("the work cannot be kept any more, ending the process", {{"why", why}});
  std::_Exit(EXIT_FAILURE);
}

Host::Host(const ops::Config& config, ops::Metrics& metrics, ops::Readiness& readiness)
    : config_(config), metrics_(metrics), readiness_(readiness) {
  for (int i = 0; i < config_.threads; ++i) {
    loops_.push_back(std::make_unique<loop::EventLoop>(end_at_once));
  }
}

base::Status Host::open(std::vector<service::Route> routes, const auth::TokenSigner& tokens,
                        Live live) {
  auto table = service::operator_routes(readiness_, metrics_);
  std::ranges::move(routes, std::back_inserter(table));
  router_ = std::make_unique<service::Router>(std::move(table), tokens, metrics_);
  auto files = net::StaticFiles::load(config_.web_dir);
  if (!files) return files.error();
  files_ = std::move(files).value();
  auto proxies = net::Networks::parse(config_.trusted_proxies);
  if (!proxies) return base::Error{"TRUSTED_PROXIES: " + proxies.error().message};
  proxies_ = std::move(proxies).value();
  site_ = std::make_unique<net::Site>(net::Site{.router = *router_,
                                                .files = *files_,
                                                .served_by = config_.replica_name,
                                                .trusted_proxies = *proxies_,
                                                .metrics = metrics_,
                                                .websockets = std::move(live.websockets),
                                                .streams = live.streams});
  net::ServerOptions options{.host = config_.host,
                             .port = config_.port,
                             .connections_max = config_.connections_max,
                             .connections_per_address_max = config_.connections_per_address_max,
                             .requests_per_address = config_.rate_limit_per_address,
                             .tick_ms_max = config_.tick_ms_max};
  std::vector<loop::EventLoop*> loops;
  for (const auto& own : loops_) loops.push_back(own.get());
  server_ = std::make_unique<net::Server>(*site_, std::move(options), std::move(loops));
  return server_->listen();
}

void Host::wake() {
  if (auto* server = listener_.load()) server->wake();
}

int Host::serve_until_signal(const std::function<void()>& stop_parts) {
  listener_.store(server_.get());
  server_->start();
  readiness_.set_stage(ops::Stage::serving);
  metrics_.ready.set(1);
  const auto shown_host = config_.host == "0.0.0.0" ? std::string("localhost") : config_.host;
  ops::log::info("serving",
                 {{"address", "http://" + shown_host + ":" + std::to_string(server_->port())},
                  {"replica", config_.replica_name},
                  {"threads", config_.threads},
                  {"version", ops::kVersion}});
  const auto signals = stop_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  ops::log::info("draining", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  drain(stop_parts);
  return EXIT_SUCCESS;
}

/// Unready, then no new connections, then everyone goes elsewhere, then everything is durable.
void Host::drain(const std::function<void()>& stop_parts) {
  const auto begin_ms = base::steady_ms();
  readiness_.set_stage(ops::Stage::draining);
  metrics_.ready.set(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(config_.drain_unready_ms));
  const auto left_ms =
      std::max<std::int64_t>(0, config_.drain_limit_ms - (base::steady_ms() - begin_ms));
  const auto pace_ms = std::min(kDrainPaceMsMax, left_ms / kDrainPaceShare);
  const auto cut_off = server_->drain(static_cast<std::uint32_t>(pace_ms), left_ms);
  stop(stop_parts);
  ops::log::info("stopped", {{"took_ms", base::steady_ms() - begin_ms}, {"cut_off", cut_off}});
}

void Host::stop(const std::function<void()>& stop_parts) {
  if (server_) server_->cut_off();
  stop_parts();
  if (server_) server_->stop();
}

}  // namespace apps
