// The counter: all parts of counter-app, made and wired in the order in which they depend on each
// other.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "apps/shared/host.hpp"
#include "auth/token.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "ops/config.hpp"
#include "ops/metrics.hpp"
#include "ops/readiness.hpp"
#include "service/live_counters.hpp"

namespace counter_app {

class Application {
 public:
  /// Opens the ledger and the listening sockets; serves nobody yet. `config` is copied.
  static base::Result<std::unique_ptr<Application>> open(const ops::Config& config);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Serves until SIGTERM or SIGINT, drains, and returns the exit status.
  int serve_until_signal();

 private:
  explicit Application(const ops::Config& config);
  base::Status open_parts();
  base::Result<std::unique_ptr<ledger::Ledger>> make_ledger();
  ledger::Events events();
  [[nodiscard]] bool in_redis() const { return !config_.redis_url.empty(); }
  ops::Check check_ledger();
  void stop_parts();

  const ops::Config config_;
  ops::CounterMetrics metrics_;
  ops::Readiness readiness_;
  auth::TokenSigner tokens_;  // nobody signs in here, but the router asks for one
  service::LiveCounters counters_;
  apps::Host host_;
  std::unique_ptr<ledger::Ledger> ledger_;    // may live on the host's loop
  std::atomic<bool> loaded_{false};           // the ledger has given the values
  std::atomic<std::int64_t> writable_ms_{0};  // when it was seen to be so last
};

}  // namespace counter_app
