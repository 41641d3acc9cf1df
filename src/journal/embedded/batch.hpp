// One batch of operations: decided in order against what is stored and what the batch itself has
// already accepted. The store is changed by write() only, inside the caller's transaction; when
// that is not committed, Recent::forget() removes the batch's last trace.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "canvas/cooldown.hpp"
#include "canvas/operation.hpp"
#include "journal/embedded/recent.hpp"
#include "journal/embedded/state.hpp"
#include "journal/embedded/store.hpp"

namespace journal {

/// Lives for one transaction; the operations decided must outlive it.
class Batch {
 public:
  Batch(Store& store, Recent& recent, const State& state, const canvas::Rules& rules,
        std::int64_t now_ms);

  /// Seen before: the first answer. Then stale, frozen, cooldown; else accepted, provided that the
  /// batch is committed.
  canvas::Answer decide(const canvas::Operation& operation);

  /// Puts everything accepted into the store.
  void write();

  /// What was accepted, in order.
  [[nodiscard]] const std::vector<canvas::Entry>& entries() const { return entries_; }

 private:
  canvas::Accepted accept(const canvas::Operation& operation, Person& person, Producer& producer);

  Store& store_;
  Recent& recent_;
  const State& state_;
  const canvas::Rules& rules_;
  const std::int64_t now_ms_;

  std::uint64_t offset_;
  std::uint64_t digest_;
  std::vector<canvas::Entry> entries_;
  std::vector<std::pair<base::PersonId, Person*>> people_;    // changed
  std::vector<std::pair<ProducerKey, Producer*>> producers_;  // changed
};

}  // namespace journal
