// Follows the journal record by record: what may be applied at once, what leaves a gap, what shows
// that history was lost. Pure; belongs to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "canvas/operation.hpp"
#include "journal/history.hpp"
#include "journal/redis/codec.hpp"

namespace journal {

class Follower {
 public:
  enum class Verdict {
    applied,   // it follows directly; it is the newest of recent() now
    known,     // it was there already
    gap,       // something before it is missing: read the log from here
    diverged,  // the journal does not hold what was seen here: history may have been lost
    later,     // it is of a later epoch: the canvas must be loaded again
  };

  /// Begins anew. `recent` ends at `at`, is contiguous and of its epoch; `base_digest` is the
  /// digest before its first entry, that of `at` when there is none.
  void reset(const canvas::Standing& at, std::deque<RecordedEntry> recent,
             std::uint64_t base_digest);

  /// Computes the digests of the record's entries when it is applied.
  Verdict offer(Record& record);

  [[nodiscard]] const canvas::Standing& at() const { return at_; }
  /// The digest at an offset from the one before recent() on.
  [[nodiscard]] std::uint64_t digest_at(std::uint64_t offset) const;
  /// The newest entries, oldest first; at most limits::kTailEntriesMax.
  [[nodiscard]] const std::deque<RecordedEntry>& recent() const { return recent_; }

 private:
  [[nodiscard]] bool contradicts(const Record& record) const;

  canvas::Standing at_;
  std::deque<RecordedEntry> recent_;
  std::uint64_t recent_base_digest_ = 0;  // just before the first of recent_
};

}  // namespace journal
