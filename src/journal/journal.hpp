// The journal: the one place where operations become entries. A port; journal/embedded keeps it in
// SQLite. tests/contract/journal_contract.hpp says what every implementation must do.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/callback.hpp"
#include "base/health.hpp"
#include "base/result.hpp"
#include "canvas/board.hpp"
#include "canvas/cooldown.hpp"
#include "canvas/operation.hpp"

namespace journal {

/// What start() found: a board, where it stands, and the entries just before that position
/// (oldest first, contiguous, ending at `position`; at most limits::kTailEntriesMax).
struct Start {
  canvas::Board board;
  canvas::Position position;
  std::uint64_t digest = 0;
  std::vector<canvas::Entry> tail;
};

/// One line of a pixel's history.
struct Placement {
  canvas::Entry entry;
  std::string name;  // of the person, as of their last accepted placement
};

using base::Health;

/// What a journal tells besides, where somebody listens. Short; they never call the journal.
struct Observers {
  /// A batch has become durable: its accepted entries, and the time from the first decision to
  /// the end of the commit. On the writer's thread.
  std::function<void(std::size_t entries, double seconds)> on_batch;
  /// rules() are others than before: an operator changed them for every program of the canvas. On
  /// the journal's thread.
  std::function<void(const canvas::Rules& rules)> on_rules;
};

/// Called with entries that have just become durable: contiguous, in order, each exactly once.
using OnCommitted = std::function<void(std::span<const canvas::Entry>)>;
/// Called exactly once for each append.
using OnAnswer = base::Callback<void(const canvas::Answer&)>;
/// Called with what start() returns, before anything is committed; and again when the canvas goes
/// on from elsewhere than before: in another epoch, because history was lost, or at all, after a
/// start that could not reach it. What was committed before is void then.
using OnReset = std::function<void(Start)>;
/// Called when the journal cannot go on (an I/O error whose outcome is unknown): the process must
/// stop, and what was not answered stays unknown. Called at most once.
using OnFatal = std::function<void(const std::string& why)>;

/// Thread-safe. Callbacks come from the journal's own threads and must be short; none comes after
/// stop() has returned.
class Journal {
 public:
  virtual ~Journal() = default;

  /// Opens the journal and begins to serve. Called once, before anything else.
  virtual base::Result<Start> start(OnCommitted on_committed, OnReset on_reset,
                                    OnFatal on_fatal) = 0;

  /// Decides one operation and, if it is accepted, makes it durable: {producer, sequence} seen
  /// before, frozen, charges, write, all in one step. Answers `accepted` only when the entry is
  /// durable and after on_committed has been called with it. Answers `busy` at once when too much
  /// is waiting. Operations appended by one thread are decided in that order.
  virtual void append(canvas::Operation operation, OnAnswer on_answer) = 0;

  /// The charges of a person now.
  virtual void charges(base::PersonId person,
                       std::function<void(base::Result<canvas::Charges>)> done) = 0;

  /// The last `rows_max` placements on one pixel, newest first.
  virtual void pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                             std::function<void(base::Result<std::vector<Placement>>)> done) = 0;

  /// Tells how many players are connected here; returns how many are connected to any program of
  /// this canvas, as far as is known.
  virtual std::uint32_t share_online(std::uint32_t here) { return here; }

  /// The rules in force, as far as is known here.
  [[nodiscard]] virtual canvas::Rules rules() const = 0;
  [[nodiscard]] virtual Health health() const = 0;

  /// Finishes and answers everything appended, then closes. Idempotent.
  virtual void stop() = 0;
};

}  // namespace journal
