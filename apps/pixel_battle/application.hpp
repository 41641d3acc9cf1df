// The application: all parts of pixel-battle, made and wired in the order in which they depend on
// each other.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "apps/pixel_battle/history.hpp"
#include "apps/shared/host.hpp"
#include "auth/telegram.hpp"
#include "auth/token.hpp"
#include "base/result.hpp"
#include "journal/journal.hpp"
#include "ops/config.hpp"
#include "ops/metrics.hpp"
#include "ops/readiness.hpp"
#include "service/live_canvas.hpp"
#include "service/pixel_battle.hpp"
#include "service/player_session.hpp"
#include "service/snapshots.hpp"

namespace pixel_battle {

class Application {
 public:
  /// Opens the journal and the listening sockets; serves nobody yet. `config` is copied.
  static base::Result<std::unique_ptr<Application>> open(const ops::Config& config);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Serves until SIGTERM or SIGINT, drains, and returns the exit status.
  int serve_until_signal();

 private:
  explicit Application(const ops::Config& config);
  base::Status open_parts();
  base::Status open_journal();
  base::Result<std::unique_ptr<journal::Journal>> make_journal();
  base::Status open_history(const redis::Url& redis);
  ops::Check check_journal();
  base::Status open_server();
  net::WebSockets websockets();
  [[nodiscard]] service::Settings settings() const;
  void stop_parts();

  const ops::Config config_;
  const canvas::Size size_;
  ops::CanvasMetrics metrics_;
  ops::Readiness readiness_;
  auth::TokenSigner tokens_;
  std::unique_ptr<PostgresHistory> history_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<service::LiveCanvas> live_;
  std::unique_ptr<service::PixelBattle> game_;
  std::unique_ptr<service::Snapshots> snapshots_;
  std::unique_ptr<service::PlayerMetrics> player_metrics_;
  apps::Host host_;
  std::atomic<std::int64_t> writable_ms_{0};  // when the journal was seen to be so last
};

}  // namespace pixel_battle
