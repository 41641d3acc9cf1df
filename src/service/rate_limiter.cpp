#include "service/rate_limiter.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace service {

RateLimiter::RateLimiter(double per_second, double burst)
    : interval_ns_(per_second > 0 ? static_cast<std::int64_t>(1e9 / std::max(per_second, 1e-6))
                                  : 0),
      burst_ns_(
          static_cast<std::int64_t>(std::max(1.0, burst) * static_cast<double>(interval_ns_))) {}

std::int64_t RateLimiter::take(std::uint64_t key, std::int64_t now_ns) {
  if (interval_ns_ == 0) return 0;
  Shard& shard = shards_[key % shards_.size()];
  const std::lock_guard lock(shard.mutex);
  auto found = shard.full_at_ns.find(key);
  if (found == shard.full_at_ns.end()) {
    make_room(shard, now_ns);
    found = shard.full_at_ns.emplace(key, now_ns).first;
  }
  const std::int64_t full_at_ns = std::max(found->second, now_ns) + interval_ns_;
  const std::int64_t over_ns = full_at_ns - now_ns - burst_ns_;
  if (over_ns > 0) return over_ns / base::kMsNs + 1;
  found->second = full_at_ns;
  return 0;
}

void RateLimiter::make_room(Shard& shard, std::int64_t now_ns) {
  const auto entries_max =
      base::limits::kRateTableEntriesMax / std::tuple_size_v<decltype(shards_)>;
  if (shard.full_at_ns.size() < entries_max) return;
  std::erase_if(shard.full_at_ns, [&](const auto& entry) { return entry.second <= now_ns; });
  // Everybody is being limited at once: forgetting them is better than growing or refusing all.
  if (shard.full_at_ns.size() >= entries_max) shard.full_at_ns.clear();
}

}  // namespace service
