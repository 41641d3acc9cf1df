// When who places a pixel: each painter as charges and cooldown allow and with one placement open
// at a time, all together no faster than asked for. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "wire/protocol.hpp"

namespace load {

/// A placement without an answer.
struct Pending {
  wire::Place place;
  std::int64_t sent_ns = 0;              // for the first time
  std::optional<std::int64_t> again_ns;  // when to ask again, after a refusal that changed nothing
};

/// One person with a tab open.
struct Painter {
  bool ready = false;  // signed in and live
  std::optional<Pending> pending;
  std::uint32_t charges = 0;
  std::int64_t charge_ns = 0;  // when the next charge comes
  std::int64_t next_ns = 0;    // not earlier
};

/// Not thread-safe.
class Painters {
 public:
  /// `rate` in placements a second of all; 0: as each may.
  Painters(std::size_t count, double rate);

  Painter& operator[](std::size_t index) { return painters_[index]; }

  /// Whose turn it is now; called until there is nobody. Who was named has a turn again later.
  std::optional<std::size_t> due(std::int64_t now_ns);
  /// What `charges` a person was told to have, and when the next one comes.
  void charged(std::size_t index, std::uint32_t charges, std::uint32_t wait_ms,
               std::int64_t now_ns);
  /// Nobody begins anything new.
  void stop() { stopped_ = true; }
  /// How many placements have no answer.
  [[nodiscard]] std::size_t pending() const;

 private:
  bool may(const Painter& painter, std::int64_t now_ns) const;

  std::vector<Painter> painters_;
  const double rate_;
  std::size_t turn_ = 0;  // who is asked first
  double credit_ = 0;     // placements that the rate allows now
  std::int64_t earned_ns_ = 0;
  bool stopped_ = false;
};

}  // namespace load
