// The JSON of docs/api.md: what clients send, parsed strictly, and what they get.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "auth/token.hpp"
#include "base/result.hpp"
#include "journal/journal.hpp"
#include "service/http.hpp"
#include "service/pixel_battle.hpp"

namespace service {

struct PixelBody {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t color = 0;
};

/// `{"x":…,"y":…,"color":…}`: these three, whole numbers, nothing else. The error is the reply.
base::Result<PixelBody, Reply> parse_pixel(std::string_view body);

/// `{"init_data":"…"}`.
base::Result<std::string, Reply> parse_init_data(std::string_view body);

/// An Idempotency-Key as a producer; 0 if the key is not 1 to 64 visible ASCII characters.
base::ProducerId producer_of(std::string_view idempotency_key);

std::string session_json(const NewSession& session);
std::string person_json(const auth::Person& person, const canvas::Charges& charges);
std::string accepted_json(const canvas::Accepted& accepted);
std::string placements_json(std::uint16_t x, std::uint16_t y, std::uint8_t color,
                            std::span<const journal::Placement> placements);
/// The canvas as everyone asks for it first. Thread-safe.
class CanvasJson {
 public:
  /// `game` outlives it.
  explicit CanvasJson(const PixelBattle& game);

  /// As of now. Made again only when something in it has changed, if only the millisecond.
  wire::SharedBytes get();

 private:
  struct Moment {
    canvas::Rules rules;
    canvas::Standing standing;
    std::uint32_t online = 0;
    std::int64_t time_ms = 0;
    friend bool operator==(const Moment&, const Moment&) = default;
  };
  [[nodiscard]] std::string made_at(const Moment& moment) const;

  const PixelBattle& game_;
  const std::string constants_;  // the members that never change
  std::mutex mutex_;             // protects all that follows
  Moment moment_;
  wire::SharedBytes json_;
};

}  // namespace service
