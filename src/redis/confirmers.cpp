#include "redis/confirmers.hpp"

#include <algorithm>
#include <utility>

namespace redis {

void Confirmers::reset(ReplicaSet online, std::int64_t least) {
  required_ = std::move(online);
  least_ = least;
}

std::int64_t Confirmers::count() const {
  return std::max(static_cast<std::int64_t>(required_.size()), least_);
}

Confirmers::Verdict Confirmers::judge(std::int64_t confirmed_by, const ReplicaSet& online) {
  const bool newcomers = online.size() > required_.size();
  if (!see(online)) return Verdict::too_few;
  if (confirmed_by >= count()) return Verdict::confirmed;
  return newcomers ? Verdict::again : Verdict::too_few;
}

bool Confirmers::see(const ReplicaSet& online) {
  required_.insert(online.begin(), online.end());
  return required_.size() == online.size();
}

}  // namespace redis
