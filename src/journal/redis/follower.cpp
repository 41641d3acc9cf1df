#include "journal/redis/follower.hpp"

#include <utility>

#include "base/limits.hpp"

namespace journal {

void Follower::reset(const canvas::Standing& at, std::deque<RecordedEntry> recent,
                     std::uint64_t base_digest) {
  at_ = at;
  recent_ = std::move(recent);
  recent_base_digest_ = base_digest;
}

std::uint64_t Follower::digest_at(std::uint64_t offset) const {
  const auto back = at_.position.offset - offset;
  return back < recent_.size() ? recent_[recent_.size() - 1 - back].entry.digest
                               : recent_base_digest_;
}

Follower::Verdict Follower::offer(Record& record) {
  const auto end = record.end();
  if (record.epoch < at_.position.epoch) return Verdict::known;
  if (record.epoch > at_.position.epoch) return Verdict::later;
  if (end.offset <= at_.position.offset) {
    return contradicts(record) ? Verdict::diverged : Verdict::known;
  }
  if (record.base > at_.position.offset) return Verdict::gap;
  // A record is one step: who stands inside it has followed another history.
  if (record.base < at_.position.offset || record.base_digest != at_.digest ||
      !fill_digests(record)) {
    return Verdict::diverged;
  }
  recent_.insert(recent_.end(), record.entries.begin(), record.entries.end());
  while (recent_.size() > base::limits::kTailEntriesMax) {
    recent_base_digest_ = recent_.front().entry.digest;
    recent_.pop_front();
  }
  at_ = {end, record.digest};
  return Verdict::applied;
}

/// Whether an old record ends with another digest than was seen here.
bool Follower::contradicts(const Record& record) const {
  const auto back = at_.position.offset - record.end().offset;
  if (back == 0) return record.digest != at_.digest;
  if (back > recent_.size()) return false;  // too long ago to tell
  return digest_at(record.end().offset) != record.digest;
}

}  // namespace journal
