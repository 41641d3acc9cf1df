#include "load/painters.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace load {

namespace {

// A little slower than the servers let one person ask.
constexpr auto kPaceNs =
    static_cast<std::int64_t>(1.1e9 / base::limits::kRequestsPerPersonPerSecond);

}  // namespace

Painters::Painters(std::size_t count, double rate) : painters_(count), rate_(rate) {
  // Nobody begins in the same moment as the others.
  for (std::size_t i = 0; i < count; ++i) {
    painters_[i].next_ns =
        static_cast<std::int64_t>(i) * kPaceNs / static_cast<std::int64_t>(count);
  }
}

bool Painters::may(const Painter& painter, std::int64_t now_ns) const {
  if (!painter.ready || now_ns < painter.next_ns) return false;
  if (painter.pending) return painter.pending->again_ns && now_ns >= *painter.pending->again_ns;
  return !stopped_ && (painter.charges > 0 || now_ns >= painter.charge_ns);
}

std::optional<std::size_t> Painters::due(std::int64_t now_ns) {
  if (rate_ > 0) {
    // What could not be placed in time is not made up for: that would be another load.
    const auto passed_s = static_cast<double>(now_ns - earned_ns_) * 1e-9;
    credit_ = std::min(earned_ns_ == 0 ? 0 : credit_ + passed_s * rate_, std::max(1.0, rate_ / 10));
    earned_ns_ = now_ns;
    if (credit_ < 1) return std::nullopt;
  }
  for (std::size_t n = 0; n < painters_.size(); ++n) {
    const auto index = (turn_ + n) % painters_.size();
    auto& painter = painters_[index];
    if (!may(painter, now_ns)) continue;
    painter.next_ns = now_ns + kPaceNs;
    credit_ -= 1;
    turn_ = index + 1;
    return index;
  }
  return std::nullopt;
}

void Painters::charged(std::size_t index, std::uint32_t charges, std::uint32_t wait_ms,
                       std::int64_t now_ns) {
  painters_[index].charges = charges;
  painters_[index].charge_ns = now_ns + wait_ms * base::kMsNs;
}

std::size_t Painters::pending() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      painters_, [](const Painter& painter) { return painter.pending.has_value(); }));
}

}  // namespace load
