#include "journal/redis/heartbeat.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace journal {

namespace {

using std::chrono::milliseconds;

// Two beats that did not come back. With the next look: noticed after 1.5 s at most.
constexpr milliseconds kMuteAfter{800};
constexpr milliseconds kOtherGoneAfter{5'000};

}  // namespace

Presence Heartbeat::next() { return {.replica = replica_, .number = ++sent_, .online = online_}; }

void Heartbeat::hear(const Presence& presence, Time now) {
  if (presence.replica == replica_) {
    heard_ = std::max(heard_, presence.number);
    silent_since_ = now;
  } else if (others_.size() < base::limits::kReplicasMax || others_.contains(presence.replica)) {
    others_[presence.replica] = {presence.online, now};
  }
  std::erase_if(others_,
                [&](const auto& other) { return now - other.second.heard > kOtherGoneAfter; });
}

bool Heartbeat::is_mute(Time now) {
  const bool mute = heard_ + 1 < sent_ && now - silent_since_ > kMuteAfter;
  if (mute || heard_ + 1 >= sent_) silent_since_ = now;
  return mute;
}

std::uint32_t Heartbeat::elsewhere() const {
  std::uint32_t sum = 0;
  for (const auto& [replica, other] : others_) sum += other.online;
  return sum;
}

}  // namespace journal
