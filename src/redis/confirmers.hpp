// Which replicas must have what was written before it counts as durable: every one that a failover
// could make the master. To count them is not enough: while a failover from a living master goes
// on, the replica that it takes has left the old one, and the others still confirm to it. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace redis {

/// Replicas by the name that the master gives them, "ip:port".
using ReplicaSet = std::set<std::string>;

class Confirmers {
 public:
  enum class Verdict {
    confirmed,
    again,    // a replica has come that was not waited for: the same must be asked again
    too_few,  // a replica did not confirm in time, or has gone, maybe to be the master
  };

  /// On a new connection. `least` confirmations are wanted, whoever is there.
  void reset(ReplicaSet online, std::int64_t least);
  /// How many WAIT is to wait for.
  [[nodiscard]] std::int64_t count() const;
  /// What follows from WAIT's answer and from who was online just after it.
  Verdict judge(std::int64_t confirmed_by, const ReplicaSet& online);
  /// Whoever has come must confirm from now on; false: somebody who must has gone. To be told
  /// often, also when nothing is written, so that nobody comes and is made master unseen.
  [[nodiscard]] bool see(const ReplicaSet& online);
  /// The master is known to be the master still: who has gone does not count any more.
  void forget_missing(const ReplicaSet& online) { required_ = online; }

 private:
  ReplicaSet required_;
  std::int64_t least_ = 0;
};

}  // namespace redis
