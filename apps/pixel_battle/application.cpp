#include "apps/pixel_battle/application.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <pthread.h>

#include "base/clock.hpp"
#include "canvas/palette.hpp"
#include "journal/embedded/embedded_journal.hpp"
#include "journal/redis/redis_journal.hpp"
#include "ops/log.hpp"
#include "service/canvas_routes.hpp"

namespace pixel_battle {

namespace {

constexpr std::int64_t kCutOffMs = 5'000;  // without Redis, until the replica calls itself unready
constexpr std::int64_t kDrainPaceMsMax = 2'000;
constexpr std::int64_t kDrainPaceShare = 3;  // clients are asked to leave in a third of the limit

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// The journal is in a state that only a new process can tell: nothing more may be answered.
void end_at_once(const std::string& why) {
  ops::log::error("the journal cannot go on, ending the process", {{"why", why}});
  std::_Exit(EXIT_FAILURE);
}

void tell_rules(const canvas::Rules& rules) {
  ops::log::info("rules in force", {{"cooldown_ms", rules.cooldown_ms},
                                    {"charges_max", rules.charges_max},
                                    {"frozen", rules.frozen ? "yes" : "no"}});
}

}  // namespace

Application::Application(const ops::Config& config)
    : config_(config),
      size_{config.canvas_width, config.canvas_height},
      metrics_(ops::kVersion),
      tokens_(config.secret_keys) {}

Application::~Application() {
  stop();
  snapshots_.reset();  // before what it answers to
}

/// A connection ends when its last request is answered, which may need the journal to give up; by
/// then it cannot tell anybody an answer that is none.
void Application::stop() {
  if (server_) server_->cut_off();
  if (journal_) journal_->stop();
  if (server_) server_->stop();
  if (history_) history_->stop();
}

base::Result<std::unique_ptr<Application>> Application::open(const ops::Config& config) {
  // Before any thread is there, so that all inherit it: signals are waited for in one place.
  const auto signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::unique_ptr<Application> application(new Application(config));
  if (auto opened = application->open_parts(); !opened) return opened.error();
  return application;
}

base::Status Application::open_parts() {
  if (config_.secret_key_is_random) {
    ops::log::warning("APP_SECRET_KEY is not set: sessions end when this process does");
  }
  if (auto opened = open_journal(); !opened) return opened;
  return open_server();
}

base::Result<std::unique_ptr<journal::Journal>> Application::make_journal() {
  const canvas::Rules rules{.cooldown_ms = config_.cooldown_ms,
                            .charges_max = config_.charges_max,
                            .frozen = config_.canvas_frozen};
  journal::Observers observers{.on_batch =
                                   [this](std::size_t entries, double seconds) {
                                     metrics_.commit_seconds.observe(seconds);
                                     metrics_.commit_entries.observe(static_cast<double>(entries));
                                   },
                               .on_rules =
                                   [this](const canvas::Rules& changed) {
                                     tell_rules(changed);
                                     live_->set_rules(changed);
                                     wake();
                                   }};
  if (config_.redis_url.empty()) {
    return journal::make_embedded({.data_dir = config_.data_dir,
                                   .size = size_,
                                   .blank_color = canvas::kBlankColor,
                                   .rules = rules,
                                   .observers = std::move(observers)});
  }
  const auto url = redis::Url::parse(config_.redis_url);
  if (!url) return base::Error{"REDIS_URL: " + url.error().message};
  if (auto opened = open_history(*url); !opened) return opened.error();
  return journal::make_redis({.url = *url,
                              .channel = config_.redis_pubsub_channel,
                              .size = size_,
                              .blank_color = canvas::kBlankColor,
                              .rules = rules,
                              .name = config_.replica_name,
                              .history = history_.get(),
                              .observers = std::move(observers)});
}

base::Status Application::open_history(const redis::Url& redis) {
  if (config_.database_url.empty()) {
    ops::log::warning("DATABASE_URL is not set: only the newest placements are remembered");
    return base::Done{};
  }
  auto database = postgres::Url::parse(config_.database_url);
  if (!database) return base::Error{"DATABASE_URL: " + database.error().message};
  try {
    history_ = std::make_unique<PostgresHistory>(
        std::move(database).value(), redis, canvas::Board(size_, canvas::kBlankColor),
        [this](const canvas::Position& archived) {
          const auto head = live_->standing().position.offset;
          metrics_.archived_offset.set(static_cast<double>(archived.offset));
          metrics_.archive_lag_entries.set(
              static_cast<double>(head > archived.offset ? head - archived.offset : 0));
        });
  } catch (const std::exception& error) {
    return base::Error{std::string("REDIS_URL: ") + error.what()};
  }
  readiness_.add_check("history", [this] {
    const auto problem = history_->problem();
    // Placing goes on without it; what it lacks it copies later.
    return ops::Check{.ready = true, .detail = problem.empty() ? "ok" : problem};
  });
  return base::Done{};
}

base::Status Application::open_journal() {
  auto journal = make_journal();
  if (!journal) return journal.error();
  journal_ = std::move(journal).value();
  live_ = std::make_unique<service::LiveCanvas>(
      journal::Start{canvas::Board(size_, canvas::kBlankColor), {}, 0, {}},
      canvas::color_bits(canvas::kDefaultPalette.size()), metrics_, journal_->rules());
  const auto begin_ms = base::steady_ms();
  auto started = journal_->start(
      [this](std::span<const canvas::Entry> entries) {
        live_->apply(entries);
        wake();
      },
      [this](journal::Start start) {
        live_->reset(std::move(start));
        wake();
      },
      end_at_once);
  if (!started) return started.error();
  static_cast<void>(live_->take_notices());  // there is nobody yet who would not know
  if (history_) history_->start_archiver();
  readiness_.add_check("journal", [this] { return check_journal(); });
  if (!live_->known()) {
    ops::log::warning("starting without the canvas", {{"why", journal_->health().detail}});
    return base::Done{};
  }
  ops::log::info("journal open",
                 {{"where", config_.redis_url.empty() ? config_.data_dir : std::string("Redis")},
                  {"epoch", started->position.epoch},
                  {"offset", started->position.offset},
                  {"took_ms", base::steady_ms() - begin_ms}});
  return base::Done{};
}

/// Somebody who is connected has something to hear.
void Application::wake() {
  if (auto* server = listener_.load()) server->wake();
}

/// Where the board is known, not being able to place for some seconds makes nobody unready: the
/// other replicas may fare the same, and the board can still be looked at.
ops::Check Application::check_journal() {
  const auto health = journal_->health();
  metrics_.journal_writable.set(health.writable ? 1 : 0);
  const auto now_ms = base::steady_ms();
  if (health.writable) writable_ms_ = now_ms;
  // With a full disk the board stays readable, and moving players away would not help them.
  const bool cut_off = !config_.redis_url.empty() && now_ms - writable_ms_ > kCutOffMs;
  return {.ready = live_->known() && !cut_off, .detail = health.writable ? "ok" : health.detail};
}

service::Settings Application::settings() const {
  return {.canvas_name = config_.canvas_name,
          .served_by = config_.replica_name,
          .version = std::string(ops::kVersion),
          .palette = canvas::kDefaultPalette,
          .guests = config_.guests,
          .guests_per_address_per_minute = config_.guest_limit_per_address,
          .telegram_url = config_.telegram_app_url,
          .session_ttl_ms = config_.session_ttl_s * 1000};
}

base::Status Application::open_server() {
  std::optional<auth::TelegramVerifier> telegram;
  if (!config_.telegram_bot_token.empty()) {
    telegram.emplace(config_.telegram_bot_token, config_.telegram_auth_age_s);
  }
  game_ = std::make_unique<service::PixelBattle>(settings(), *journal_, *live_, tokens_,
                                                 std::move(telegram), metrics_);
  snapshots_ = std::make_unique<service::Snapshots>(*live_, canvas::kDefaultPalette, metrics_);
  player_metrics_ = std::make_unique<service::PlayerMetrics>(metrics_);
  router_ = std::make_unique<service::Router>(
      service::canvas_routes(*game_, *snapshots_, readiness_), tokens_, metrics_);

  auto files = net::StaticFiles::load(config_.web_dir);
  if (!files) return files.error();
  files_ = std::move(files).value();
  auto proxies = net::Networks::parse(config_.trusted_proxies);
  if (!proxies) return base::Error{"TRUSTED_PROXIES: " + proxies.error().message};
  proxies_ = std::move(proxies).value();

  site_ = std::make_unique<net::Site>(net::Site{
      .router = *router_,
      .files = *files_,
      .feed = *live_,
      .open_conversation =
          [this](service::Outlet& outlet) {
            return std::make_unique<service::PlayerSession>(*game_, *player_metrics_, outlet);
          },
      .websocket_path = "/ws",
      .served_by = config_.replica_name,
      .trusted_proxies = *proxies_,
      .allowed_origins = config_.allowed_origins,
      .metrics = metrics_});
  net::ServerOptions options{.host = config_.host,
                             .port = config_.port,
                             .threads = config_.threads,
                             .connections_max = config_.connections_max,
                             .connections_per_address_max = config_.connections_per_address_max,
                             .requests_per_address = config_.rate_limit_per_address,
                             .tick_ms_max = config_.tick_ms_max,
                             .on_online = [this](std::uint32_t here) {
                               const auto online = journal_->share_online(here);
                               game_->set_online(online);
                               return online;
                             }};
  server_ =
      std::make_unique<net::Server>(*site_, std::move(options), live_->standing().position.offset);
  return server_->listen();
}

int Application::serve_until_signal() {
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
  drain();
  return EXIT_SUCCESS;
}

/// Unready, then no new connections, then everyone goes elsewhere, then everything is on disk.
void Application::drain() {
  const auto begin_ms = base::steady_ms();
  readiness_.set_stage(ops::Stage::draining);
  metrics_.ready.set(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(config_.drain_unready_ms));
  const auto left_ms =
      std::max<std::int64_t>(0, config_.drain_limit_ms - (base::steady_ms() - begin_ms));
  const auto pace_ms = std::min(kDrainPaceMsMax, left_ms / kDrainPaceShare);
  const auto cut_off = server_->drain(static_cast<std::uint32_t>(pace_ms), left_ms);
  stop();
  ops::log::info("stopped", {{"took_ms", base::steady_ms() - begin_ms}, {"cut_off", cut_off}});
}

}  // namespace pixel_battle
