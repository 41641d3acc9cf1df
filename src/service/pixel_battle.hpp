// What a request means: sign in, place a pixel, look up who placed what. The one place that HTTP
// and WebSocket requests have in common.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/telegram.hpp"
#include "auth/token.hpp"
#include "base/clock.hpp"
#include "canvas/palette.hpp"
#include "journal/journal.hpp"
#include "ops/metrics.hpp"
#include "service/live_canvas.hpp"
#include "service/rate_limiter.hpp"
#include "wire/protocol.hpp"

namespace service {

/// What does not change while the process runs.
struct Settings {
  std::string canvas_name;
  std::string served_by;
  std::string version;
  std::span<const canvas::Color> palette;
  bool guests = true;
  double guests_per_address_per_minute = 0;  // 0: no limit
  std::string telegram_url;                  // of the Mini App; may be empty
  std::int64_t session_ttl_ms = 0;
};

/// A placement as asked for, unchecked.
struct Placing {
  base::ProducerId producer{};
  std::uint64_t sequence = 0;
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t color = 0;
};

struct NewSession {
  std::string token;
  std::int64_t expires_at_ms = 0;
  auth::Person person;
};

enum class SignInError : std::uint8_t { guests_disabled, telegram_disabled, invalid, expired };

/// Thread-safe.
class PixelBattle {
 public:
  PixelBattle(Settings settings, journal::Journal& journal, LiveCanvas& live,
              const auth::TokenSigner& tokens, std::optional<auth::TelegramVerifier> telegram,
              ops::CanvasMetrics& metrics);

  [[nodiscard]] base::Result<NewSession, SignInError> sign_in_guest() const;
  [[nodiscard]] base::Result<NewSession, SignInError> sign_in_telegram(
      std::string_view init_data) const;
  [[nodiscard]] base::Result<auth::VerifiedToken, auth::TokenError> verify(
      std::string_view token) const;

  /// Calls `on_answer` with a canvas::Answer exactly once, on any thread; `accepted` only when
  /// durable. It is held in place: what it captures is small.
  template <class OnAnswer>
  void place(const auth::Person& person, const Placing& placing, OnAnswer on_answer) {
    if (const auto refusal = not_on_canvas(placing)) {
      const canvas::Answer answer = canvas::Refused{.reason = *refusal};
      count(answer, 0);
      return on_answer(answer);
    }
    journal_.append(operation(person, placing),
                    [this, asked_ns = base::steady_ns(),
                     on_answer = std::move(on_answer)](const canvas::Answer& answer) {
                      count(answer, asked_ns);
                      on_answer(answer);
                    });
  }

  /// Milliseconds this person has to wait before asking again; 0: go on.
  std::int64_t ask(const auth::Person& person);

  /// The same for a new guest from this address: each has charges of their own.
  std::int64_t ask_for_guest(std::string_view address);

  [[nodiscard]] wire::Welcome welcome() const;
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] bool telegram() const { return telegram_.has_value(); }
  [[nodiscard]] LiveCanvas& live() const { return live_; }
  [[nodiscard]] journal::Journal& journal() const { return journal_; }
  [[nodiscard]] ops::CanvasMetrics& metrics() const { return metrics_; }

  /// Players connected, as the hub counts them.
  void set_online(std::uint32_t online) { online_.store(online, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t online() const { return online_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] NewSession new_session(auth::Person person) const;
  [[nodiscard]] std::optional<canvas::Refusal> not_on_canvas(const Placing& placing) const;
  static canvas::Operation operation(const auth::Person& person, const Placing& placing);
  void count(const canvas::Answer& answer, std::int64_t asked_ns) const;

  const Settings settings_;
  journal::Journal& journal_;
  LiveCanvas& live_;
  const auth::TokenSigner& tokens_;
  const std::optional<auth::TelegramVerifier> telegram_;
  ops::CanvasMetrics& metrics_;
  RateLimiter per_person_;
  RateLimiter guests_per_address_;
  std::atomic<std::uint32_t> online_{0};
  std::vector<ops::Counter> refused_;  // by reason
};

/// `cooldown`, `frozen`, …: the names of docs/protocol.md.
std::string_view name_of(canvas::Refusal reason);

}  // namespace service
