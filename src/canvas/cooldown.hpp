// The cooldown: a token bucket that is one number. A person holds up to `charges_max` charges; one
// comes back every `cooldown_ms`. The whole state is the time at which all charges will be back
// (the generic cell rate algorithm's "theoretical arrival time"), so a changed cooldown applies at
// once and nothing has to tick.
#pragma once

#include <cstdint>

#include "canvas/operation.hpp"

namespace canvas {

/// What the operator can turn; the same for everyone.
struct Rules {
  std::uint32_t cooldown_ms = 0;  // 0: no cooldown
  std::uint32_t charges_max = 1;
  bool frozen = false;
  friend bool operator==(const Rules&, const Rules&) = default;
};

/// The charges at `now_ms` of someone whose charges will all be back at `full_at_ms`.
constexpr Charges charges_at(const Rules& rules, std::int64_t full_at_ms, std::int64_t now_ms) {
  if (rules.cooldown_ms == 0 || full_at_ms <= now_ms) return {rules.charges_max, 0};
  const std::int64_t missing_ms = full_at_ms - now_ms;
  const std::int64_t missing = (missing_ms + rules.cooldown_ms - 1) / rules.cooldown_ms;
  const std::int64_t left = missing >= rules.charges_max ? 0 : rules.charges_max - missing;
  const std::int64_t over_ms = missing_ms - std::int64_t{rules.cooldown_ms} * (missing - 1);
  // More may be missing than can be held, after the operator lowered charges_max.
  const std::int64_t beyond = missing > rules.charges_max ? missing - rules.charges_max : 0;
  const std::int64_t next_ms = over_ms + beyond * rules.cooldown_ms;
  return {static_cast<std::uint32_t>(left),
          static_cast<std::uint32_t>(next_ms < UINT32_MAX ? next_ms : UINT32_MAX)};
}

/// Spends one charge; the caller has seen that charges_at(…).left > 0. Returns the new full_at_ms.
constexpr std::int64_t spend_charge(const Rules& rules, std::int64_t full_at_ms,
                                    std::int64_t now_ms) {
  return (full_at_ms > now_ms ? full_at_ms : now_ms) + rules.cooldown_ms;
}

}  // namespace canvas
