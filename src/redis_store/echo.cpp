#include "redis_store/echo.hpp"

#include <algorithm>

namespace redis_store {

namespace {

// Two beats that did not come back. With the next look: noticed after 1.5 s at most.
constexpr std::chrono::milliseconds kMuteAfter{800};

}  // namespace

void Echo::hear(std::uint64_t number, Time now) {
  heard_ = std::max(heard_, number);
  silent_since_ = now;
}

bool Echo::is_mute(Time now) {
  const bool mute = heard_ + 1 < sent_ && now - silent_since_ > kMuteAfter;
  if (mute || heard_ + 1 >= sent_) silent_since_ = now;
  return mute;
}

}  // namespace redis_store
