// What stands around the service in its tests: a journal that answers when told to, a connection
// that remembers what was said, and a game between them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "canvas/palette.hpp"
#include "journal/journal.hpp"
#include "service/conversation.hpp"
#include "service/live_canvas.hpp"
#include "service/pixel_battle.hpp"
#include "wire/protocol.hpp"

namespace service {

inline constexpr unsigned kColorBits = 5;  // of the default palette

/// The digest that test entries carry.
constexpr std::uint64_t digest_at(std::uint64_t offset) { return 0xd16e'5700'0000'0000 + offset; }

inline canvas::Entry entry(std::uint64_t offset, std::uint16_t x, std::uint16_t y,
                           std::uint8_t color) {
  return {.offset = offset, .x = x, .y = y, .color = color, .digest = digest_at(offset)};
}

inline void apply(LiveCanvas& live, const canvas::Entry& entry) { live.apply({&entry, 1}); }

/// A blank board that stands at `offset`, nothing before it kept.
inline journal::Start start_at(canvas::Position position, canvas::Size size) {
  return {canvas::Board(size, canvas::kBlankColor), position, digest_at(position.offset), {}};
}

/// The message inside a server's frame.
inline std::string payload_of(const std::string& frame) {
  const auto length = static_cast<std::uint8_t>(frame.at(1));
  return frame.substr(length < 126 ? 2 : length == 126 ? 4 : 10);
}

/// `frame` as the message that it is expected to hold.
template <class Message>
Message message_in(const wire::SharedBytes& frame) {
  return std::get<Message>(wire::decode_server(payload_of(*frame), kColorBits).value());
}

/// Keeps every operation until the test answers it.
class FakeJournal final : public journal::Journal {
 public:
  struct Asked {
    canvas::Operation operation;
    journal::OnAnswer on_answer;
  };
  std::deque<Asked> asked;
  canvas::Charges charges_left{4, 1500};
  bool too_busy = false;  // for anything but placements
  canvas::Rules now{.cooldown_ms = 5000, .charges_max = 5};

  /// Answers the oldest operation.
  void answer(const canvas::Answer& answer) {
    const auto oldest = std::move(asked.front());
    asked.pop_front();
    oldest.on_answer(answer);
  }

  base::Result<journal::Start> start(journal::OnCommitted, journal::OnReset,
                                     journal::OnFatal) override {
    return base::Error{"not for tests"};
  }
  void append(canvas::Operation operation, journal::OnAnswer on_answer) override {
    asked.push_back({std::move(operation), std::move(on_answer)});
  }
  void charges(base::PersonId, std::function<void(base::Result<canvas::Charges>)> done) override {
    if (too_busy) return done(base::Error{"busy"});
    done(charges_left);
  }
  void pixel_history(
      std::uint16_t, std::uint16_t, std::size_t,
      std::function<void(base::Result<std::vector<journal::Placement>>)> done) override {
    done(std::vector<journal::Placement>{});
  }
  [[nodiscard]] canvas::Rules rules() const override { return now; }
  [[nodiscard]] journal::Health health() const override { return {.writable = true}; }
  void stop() override {}
};

/// A connection whose thread is the test's: what is posted runs in run_posted().
class FakeOutlet final : public Outlet {
 public:
  std::vector<std::string> sent;
  std::optional<std::uint64_t> live_at;
  int greetings = 0;
  std::optional<wire::CloseCode> closed;
  bool gone = false;

  void send(std::string_view message) override {
    EXPECT_FALSE(closed.has_value()) << "nothing can be sent after a close";
    sent.emplace_back(message);
  }
  void go_live(std::uint64_t offset) override { live_at = offset; }
  void stop_feed() override { live_at.reset(); }
  void greet() override { ++greetings; }
  void close(wire::CloseCode code) override { closed = code; }
  void post(base::Callback<void()> task) override { posted_.push_back(std::move(task)); }

  void run_posted() {
    for (const auto& task : std::exchange(posted_, {})) {
      if (!gone) task();
    }
  }

  /// The next message that was sent, which must be a `Message`.
  template <class Message>
  Message next() {
    run_posted();
    if (sent.empty()) throw std::runtime_error("nothing was sent");
    const auto decoded = wire::decode_server(sent.front(), kColorBits);
    sent.erase(sent.begin());
    return std::get<Message>(decoded.value());
  }

 private:
  std::vector<base::Callback<void()>> posted_;
};

/// A game on a canvas of 20 × 10 pixels at offset 41.
struct FakeGame {
  static constexpr canvas::Position kStart{.epoch = 7, .offset = 41};
  static Settings settings() {
    return {.canvas_name = "Test \"canvas\"",
            .served_by = "pixel-1",
            .version = "1.2.3",
            .palette = canvas::kDefaultPalette,
            .guests = true,
            .session_ttl_ms = 60'000};
  }

  explicit FakeGame(Settings with = settings(),
                    std::optional<auth::TelegramVerifier> telegram = std::nullopt)
      : game(std::move(with), journal, live, tokens, std::move(telegram), metrics) {}

  ops::CanvasMetrics metrics{"test"};
  FakeJournal journal;
  LiveCanvas live{start_at(kStart, {20, 10}), kColorBits, metrics};
  auth::TokenSigner tokens{std::vector<std::string>{"a key of sixteen characters"}};
  PixelBattle game;
  auth::Person anya{base::PersonId{7'342'037'359}, "Аня"};

  [[nodiscard]] std::string token_of(const auth::Person& person,
                                     std::int64_t expires_in_ms = 60'000) const {
    return tokens.sign(person, base::wall_ms() + expires_in_ms);
  }
};

}  // namespace service
