// What programs say of themselves on the channel, twice a second: who else lives, how many players
// are connected there, and whether what is published comes back at all. Pure; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "journal/redis/codec.hpp"

namespace journal {

class Heartbeat {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Heartbeat(std::uint64_t replica) : replica_(replica) {}

  void set_online(std::uint32_t online) { online_ = online; }
  /// The next beat, to be published.
  [[nodiscard]] Presence next();
  /// A beat was heard, our own or another's.
  void hear(const Presence& presence, Time now);
  /// After a beat was published: whether too many have not come back. Once a silence.
  [[nodiscard]] bool is_mute(Time now);
  /// There is a new subscription.
  void listen_anew(Time now) { silent_since_ = now; }
  /// The players who are connected to other programs.
  [[nodiscard]] std::uint32_t elsewhere() const;

 private:
  struct Other {
    std::uint32_t online = 0;
    Time heard;
  };

  const std::uint64_t replica_;
  std::uint32_t online_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t heard_ = 0;  // the newest of our own
  Time silent_since_;
  std::map<std::uint64_t, Other> others_;
};

}  // namespace journal
