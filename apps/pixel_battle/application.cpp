#include "apps/pixel_battle/application.hpp"

#include "base/clock.hpp"
#include "canvas/palette.hpp"
#include "journal/embedded/embedded_journal.hpp"
#include "journal/redis/redis_journal.hpp"
#include "ops/log.hpp"
#include "service/canvas_routes.hpp"

namespace pixel_battle {

namespace {

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
      tokens_(config.secret_keys),
      host_(config_, metrics_, readiness_) {}

Application::~Application() {
  host_.stop([this] { stop_parts(); });
  snapshots_.reset();  // before what it answers to
}

void Application::stop_parts() {
  if (journal_) journal_->stop();
  if (history_) history_->stop();
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
                                     host_.wake();
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
        host_.wake();
      },
      [this](journal::Start start) {
        live_->reset(std::move(start));
        host_.wake();
      },
      apps::end_at_once);
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

/// Where the board is known, not being able to place for some seconds makes nobody unready: the
/// other replicas may fare the same, and the board can still be looked at.
ops::Check Application::check_journal() {
  const auto health = journal_->health();
  metrics_.journal_writable.set(health.writable ? 1 : 0);
  const auto now_ms = base::steady_ms();
  if (health.writable) writable_ms_ = now_ms;
  // With a full disk the board stays readable, and moving players away would not help them.
  const bool cut_off = !config_.redis_url.empty() && now_ms - writable_ms_ > apps::kCutOffMs;
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
  return host_.open(service::canvas_routes(*game_, *snapshots_), tokens_,
                    {.websockets = websockets()});
}

net::WebSockets Application::websockets() {
  return {.path = "/ws",
          .feed = *live_,
          .offset = live_->standing().position.offset,
          .open_conversation =
              [this](service::Outlet& outlet) {
                return std::make_unique<service::PlayerSession>(*game_, *player_metrics_, outlet);
              },
          .allowed_origins = config_.allowed_origins,
          .on_online =
              [this](std::uint32_t here) {
                metrics_.players_online.set(here);
                const auto online = journal_->share_online(here);
                game_->set_online(online);
                return online;
              }};
}

}  // namespace pixel_battle
