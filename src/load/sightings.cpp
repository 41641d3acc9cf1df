#include "load/sightings.hpp"

#include <algorithm>

namespace load {

namespace {

constexpr std::size_t kShownMax = 4'096;

}  // namespace

std::int64_t Sightings::oldest_ns(std::uint64_t from, std::uint64_t to,
                                  const std::vector<canvas::PixelChange>& pixels) {
  std::int64_t oldest_ns = 0;
  for (const auto& pixel : pixels) {
    const auto found = open_.find(pixel.index);
    if (found == open_.end()) continue;
    if (oldest_ns == 0 || found->second < oldest_ns) oldest_ns = found->second;
    open_.erase(found);
  }
  const auto earlier = std::ranges::upper_bound(shown_, from, {}, &Shown::to);
  const bool others_saw_it = earlier != shown_.end() && earlier->to <= to;
  const auto shown_ns = others_saw_it ? earlier->oldest_ns : 0;
  if (oldest_ns != 0 && (shown_.empty() || to > shown_.back().to)) {
    shown_.push_back({to, oldest_ns});
    if (shown_.size() > kShownMax) shown_.pop_front();
  }
  return shown_ns != 0 ? shown_ns : oldest_ns;
}

}  // namespace load
