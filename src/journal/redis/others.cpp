#include "journal/redis/others.hpp"

#include "base/limits.hpp"

namespace journal {

namespace {

constexpr std::chrono::milliseconds kGoneAfter{5'000};

}  // namespace

void Others::hear(const Presence& presence, Time now) {
  if (others_.size() >= base::limits::kReplicasMax && !others_.contains(presence.replica)) return;
  others_[presence.replica] = {presence.online, now};
}

void Others::forget_silent(Time now) {
  std::erase_if(others_, [&](const auto& other) { return now - other.second.heard > kGoneAfter; });
}

std::uint32_t Others::online() const {
  std::uint32_t sum = 0;
  for (const auto& [replica, other] : others_) sum += other.online;
  return sum;
}

}  // namespace journal
