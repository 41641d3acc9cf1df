// Who else lives, and how many players are connected there: heard on the channel twice a second.
// Pure; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "journal/redis/codec.hpp"

namespace journal {

class Others {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Another program's presence.
  void hear(const Presence& presence, Time now);
  /// Forgets who was not heard for long; to be called now and then.
  void forget_silent(Time now);
  /// The players who are connected there.
  [[nodiscard]] std::uint32_t online() const;

 private:
  struct Other {
    std::uint32_t online = 0;
    Time heard;
  };

  std::map<std::uint64_t, Other> others_;
};

}  // namespace journal
