// Whether what a program publishes comes back to it: a subscription that has gone mute cannot be
// seen otherwise, because a channel may be silent. Pure; one thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace redis_store {

class Echo {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The number of the next beat, to be published.
  std::uint64_t next() { return ++sent_; }
  [[nodiscard]] std::uint64_t newest() const { return sent_; }
  /// A beat of our own has come back.
  void hear(std::uint64_t number, Time now);
  /// After a beat was published: whether too many have not come back. Once a silence.
  [[nodiscard]] bool is_mute(Time now);
  /// There is a new subscription.
  void listen_anew(Time now) { silent_since_ = now; }

 private:
  std::uint64_t sent_ = 0;
  std::uint64_t heard_ = 0;  // the newest
  Time silent_since_;
};

}  // namespace redis_store
