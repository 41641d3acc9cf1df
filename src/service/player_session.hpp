// One player's side of the WebSocket protocol (docs/protocol.md): says hello, resumes, signs in,
// places.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/token.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "service/conversation.hpp"
#include "service/pixel_battle.hpp"
#include "wire/protocol.hpp"

namespace service {

/// What all sessions share: metrics by message type and reason, resolved once.
struct PlayerMetrics {
  explicit PlayerMetrics(ops::CanvasMetrics& metrics);

  std::vector<ops::Counter> received;  // by index of wire::ClientMessage
  ops::Counter malformed;
  std::vector<ops::Counter> snapshots_needed;  // by reason
};

class PlayerSession final : public Conversation {
 public:
  PlayerSession(PixelBattle& game, const PlayerMetrics& metrics, Outlet& outlet);

  void on_message(std::string_view message) override;
  [[nodiscard]] bool settled() const override { return unanswered_ == 0; }

 private:
  void on(const wire::Hello& hello);
  void on(const wire::Resume& resume);
  void on(const wire::SignIn& sign_in);
  void on(const wire::Place& place);
  void on(const wire::Ping& ping);
  void refuse(std::uint32_t sequence, const canvas::Refused& refused);
  void answer(std::uint32_t sequence, const canvas::Answer& answer);
  /// Takes what a message costs from this connection's budget; false: it is used up.
  bool pay(const wire::ClientMessage& message);

  PixelBattle& game_;
  const PlayerMetrics& metrics_;
  Outlet& outlet_;
  bool greeted_ = false;
  std::uint8_t unanswered_ = 0;
  base::ProducerId producer_{};
  double budget_ = base::limits::kMessagesBurst;
  std::int64_t paid_ns_ = base::steady_ns();
  std::int64_t token_expires_at_ms_ = 0;
  std::optional<auth::Person> person_;
};

}  // namespace service
