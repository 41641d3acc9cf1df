// Follows the changes of a ledger in their order, however they arrive. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ledger/redis/codec.hpp"

namespace ledger {

class Follower {
 public:
  enum class Verdict {
    known,     // it was there already, or waits for one before it
    applied,   // take() has something
    diverged,  // it does not follow from what was seen: load anew
  };

  /// Stands there now; what waits beyond it stays.
  void reset(Standing at);
  Verdict offer(Change change);
  /// The new values since the last call, in order.
  std::vector<Counter> take();

  [[nodiscard]] const Standing& at() const { return at_; }
  /// Whether something waits for a change before it that has not come.
  [[nodiscard]] bool has_gap() const { return !waiting_.empty(); }

 private:
  static constexpr std::size_t kWaitingMax = 4'096;

  Verdict apply_waiting();

  Standing at_;
  std::map<std::uint64_t, Change> waiting_;  // by where they stand, all beyond at_
  std::vector<Counter> applied_;
};

}  // namespace ledger
