// What an operator turns of a canvas in Redis while people draw: the rules and the bans. Holds from
// the next batch on, for every program of the canvas.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "canvas/cooldown.hpp"
#include "journal/redis/functions.hpp"
#include "redis/url.hpp"

namespace journal {

/// The rules in force, and how often they were changed.
struct RulesInForce {
  canvas::Rules rules;
  std::uint64_t version = 0;
};

/// One thread at a time; calls block for some seconds at most. An error is one line for people; a
/// change may have been made all the same when the connection broke meanwhile.
class Knobs {
 public:
  /// Throws std::runtime_error when a file of the URL's TLS options cannot be used.
  Knobs(const redis::Url& url, std::string channel);
  ~Knobs();

  base::Result<RulesInForce> rules();
  base::Status change_rules(const RulesChange& change);

  /// Whether it is news.
  base::Result<bool> ban(base::PersonId person, bool banned);
  /// In ascending order.
  base::Result<std::vector<base::PersonId>> bans();

  /// Whether what was changed is with a replica too, where there are any: a failover cannot undo
  /// it then.
  base::Result<bool> replicated();

 private:
  base::Status open();

  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace journal
