#include "ledger/redis/follower.hpp"

#include <utility>

namespace ledger {

void Follower::reset(Standing at) {
  if (at.epoch != at_.epoch) waiting_.clear();
  at_ = std::move(at);
  applied_.clear();
  waiting_.erase(waiting_.begin(), waiting_.upper_bound(at_.changes));
  if (apply_waiting() == Verdict::diverged) waiting_.clear();
}

Follower::Verdict Follower::offer(Change change) {
  if (change.at.epoch > at_.epoch) return Verdict::diverged;
  if (change.at.epoch < at_.epoch || change.at.changes <= at_.changes) return Verdict::known;
  if (waiting_.size() >= kWaitingMax) return Verdict::diverged;
  const auto place = change.at.changes;
  waiting_.insert_or_assign(place, std::move(change));
  return apply_waiting();
}

Follower::Verdict Follower::apply_waiting() {
  auto verdict = Verdict::known;
  while (!waiting_.empty() && waiting_.begin()->first == at_.changes + 1) {
    auto next = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    if (next.base_digest != at_.digest) return Verdict::diverged;
    at_ = std::move(next.at);
    applied_.insert(applied_.end(), std::make_move_iterator(next.counters.begin()),
                    std::make_move_iterator(next.counters.end()));
    verdict = Verdict::applied;
  }
  return verdict;
}

std::vector<Counter> Follower::take() { return std::exchange(applied_, {}); }

}  // namespace ledger
