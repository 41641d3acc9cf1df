// The words of the canvas: what a player asks for, what the journal keeps, what comes back.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/ids.hpp"

namespace canvas {

/// Where in the journal something stands. Offsets have no gaps inside an epoch.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const Position&, const Position&) = default;
  /// Whether it is the earlier one.
  friend bool operator<(const Position& a, const Position& b) {
    return a.epoch != b.epoch ? a.epoch < b.epoch : a.offset < b.offset;
  }
};

/// One placement as asked for. Whoever makes it has checked that the pixel is on the board.
struct Operation {
  base::PersonId person{};
  base::ProducerId producer{};
  std::uint64_t sequence = 0;  // from 1, growing, per (person, producer)
  std::uint16_t x = 0;
  std::uint16_t y = 0;
  std::uint8_t color = 0;
  std::string name;  // the person's, as shown to others; at most limits::kNameBytesMax bytes
};

/// One accepted placement as the journal keeps it.
struct Entry {
  std::uint64_t offset = 0;
  std::int64_t time_ms = 0;  // wall clock, milliseconds since 1970, never decreasing
  base::PersonId person{};
  std::uint16_t x = 0;
  std::uint16_t y = 0;
  std::uint8_t color = 0;
  std::uint64_t digest = 0;  // running digest up to and including this entry
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// One pixel as it stands after some entries; `index` is y × width + x.
struct PixelChange {
  std::uint32_t index = 0;
  std::uint8_t color = 0;
  friend bool operator==(const PixelChange&, const PixelChange&) = default;
};

/// Why a placement is refused; the numbers are those of docs/protocol.md.
enum class Refusal : std::uint8_t {
  cooldown = 1,
  frozen = 2,
  outside = 3,
  bad_color = 4,
  not_signed_in = 5,
  stale = 6,
  unavailable = 7,
  busy = 8,
  banned = 9,
};
inline constexpr Refusal kLastRefusal = Refusal::banned;

/// What a person may still place. `next_charge_ms` is 0 when all charges are there.
struct Charges {
  std::uint32_t left = 0;
  std::uint32_t next_charge_ms = 0;
  friend bool operator==(const Charges&, const Charges&) = default;
};

struct Accepted {
  Position position;
  Charges charges;
  friend bool operator==(const Accepted&, const Accepted&) = default;
};

struct Refused {
  Refusal reason{};
  std::uint32_t wait_ms = 0;  // until trying again makes sense; 0: no use
  Charges charges;
  friend bool operator==(const Refused&, const Refused&) = default;
};

using Answer = std::variant<Accepted, Refused>;

}  // namespace canvas
