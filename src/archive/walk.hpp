// One pass over the history: follows entries in the order (epoch, offset), checks that each follows
// from the one before, and applies those that are not void to a board. No I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/types.hpp"

namespace archive {

class Walk {
 public:
  using OnProblem = std::function<void(std::string)>;
  /// Called wherever the board comes to, in order.
  using OnPosition = std::function<void(const canvas::StandingBoard&)>;

  /// `epochs` in order. Begins before the first of them, on the board `blank`.
  Walk(std::vector<NewEpoch> epochs, canvas::Board blank, OnProblem on_problem,
       OnPosition on_position = {});

  /// Begins at a checkpoint instead, which is not void.
  void start_at(canvas::StandingBoard start);

  void follow(std::uint64_t epoch, const canvas::Entry& entry);
  /// After the last entry: the history must have come to the cursor.
  void finish(const Cursor& cursor);

  [[nodiscard]] const canvas::StandingBoard& standing() const { return standing_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t void_entries() const { return void_entries_; }

 private:
  bool go_to_epoch(std::uint64_t epoch);
  void enter(std::size_t index);
  bool link(std::uint64_t epoch, const canvas::Entry& entry);
  void apply(const canvas::Entry& entry);
  void missing(std::uint64_t first, std::uint64_t last);

  const std::vector<NewEpoch> epochs_;
  std::vector<std::uint64_t> valid_up_to_;  // of each epoch, the last offset that is not void
  const OnProblem on_problem_;
  const OnPosition on_position_;

  canvas::StandingBoard standing_;
  std::optional<std::size_t> current_;  // the epoch, among epochs_
  // The chain of the epoch, void entries and all.
  std::uint64_t chain_offset_ = 0;
  std::uint64_t chain_digest_ = 0;
  std::int64_t time_ms_ = INT64_MIN;
  std::uint64_t entries_ = 0;
  std::uint64_t void_entries_ = 0;
};

}  // namespace archive
