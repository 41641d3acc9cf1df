#include "apps/counter/application.hpp"

#include <utility>

#include "base/clock.hpp"
#include "ledger/embedded/embedded_ledger.hpp"
#include "ledger/redis/redis_ledger.hpp"
#include "ops/log.hpp"
#include "service/counter_routes.hpp"

namespace counter_app {

Application::Application(const ops::Config& config)
    : config_(config),
      metrics_(ops::kVersion),
      tokens_(config.secret_keys),
      host_(config_, metrics_, readiness_) {}

Application::~Application() {
  host_.stop([this] { stop_parts(); });
}

void Application::stop_parts() {
  if (ledger_) ledger_->stop();
}

base::Result<std::unique_ptr<Application>> Application::open(const ops::Config& config) {
  apps::block_stop_signals();
  std::unique_ptr<Application> application(new Application(config));
  if (auto opened = application->open_parts(); !opened) return opened.error();
  return application;
}

int Application::serve_until_signal() {
  return host_.serve_until_signal([this] { stop_parts(); });
}

base::Status Application::open_parts() {
  auto ledger = make_ledger();
  if (!ledger) return ledger.error();
  ledger_ = std::move(ledger).value();
  if (auto started = ledger_->start(events()); !started) return started;
  readiness_.add_check("ledger", [this] { return check_ledger(); });
  if (!loaded_) {
    ops::log::warning("starting without the counters", {{"why", ledger_->health().detail}});
  } else {
    ops::log::info("ledger open", {{"where", in_redis() ? std::string("Redis") : config_.data_dir},
                                   {"counters", counters_.all().size()}});
  }
  return host_.open(service::counter_routes(*ledger_, counters_, metrics_), tokens_,
                    {.streams = &counters_});
}

base::Result<std::unique_ptr<ledger::Ledger>> Application::make_ledger() {
  if (!in_redis()) {
    return ledger::make_embedded({.data_dir = config_.data_dir, .now_ms = {}});
  }
  auto url = redis::Url::parse(config_.redis_url);
  if (!url) return base::Error{"REDIS_URL: " + url.error().message};
  return ledger::make_redis({.url = std::move(url).value(),
                             .channel = config_.redis_pubsub_channel,
                             .name = config_.replica_name},
                            host_.loop().io());
}

ledger::Events Application::events() {
  return {.on_loaded =
              [this](std::span<const ledger::Counter> counters) {
                counters_.reset(counters);
                loaded_ = true;
                host_.wake();
              },
          .on_changed =
              [this](std::span<const ledger::Counter> counters) {
                counters_.apply(counters);
                host_.wake();
              },
          .on_batch =
              [this](std::size_t presses, double seconds) {
                metrics_.commit_seconds.observe(seconds);
                metrics_.commit_entries.observe(static_cast<double>(presses));
              },
          .on_fatal = apps::end_at_once};
}

/// Where the values are known, not being able to press for some seconds makes nobody unready: the
/// other replicas may fare the same, and the values can still be read.
ops::Check Application::check_ledger() {
  const auto health = ledger_->health();
  metrics_.ledger_writable.set(health.writable ? 1 : 0);
  const auto now_ms = base::steady_ms();
  if (health.writable) writable_ms_ = now_ms;
  // With a full disk moving people away would not help them.
  const bool cut_off = in_redis() && now_ms - writable_ms_ > apps::kCutOffMs;
  return {.ready = loaded_ && !cut_off, .detail = health.writable ? "ok" : health.detail};
}

}  // namespace counter_app
