// The JSON of docs/api.md: what clients send, parsed strictly, and what they get.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "auth/token.hpp"
#include "base/result.hpp"
#include "journal/journal.hpp"
#include "ops/readiness.hpp"
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
/// The members of the canvas that never change, to be made once and given to canvas_json.
std::string canvas_constants_json(const PixelBattle& game);
std::string canvas_json(const PixelBattle& game, std::string_view constants);
std::string accepted_json(const canvas::Accepted& accepted);
std::string placements_json(std::uint16_t x, std::uint16_t y, std::uint8_t color,
                            std::span<const journal::Placement> placements);
std::string readiness_json(const ops::Readiness::Report& report);

}  // namespace service
