// The account of a canvas under load: what was acknowledged against the journal and the board, as
// loadtest/canvas_account.py keeps it for Locust. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "canvas/standing.hpp"

namespace load {

/// What the account comes to.
struct Verdict {
  bool holds = false;
  std::vector<std::string> lines;  // for people; the first one says it all
};

/// Not thread-safe.
class Account {
 public:
  explicit Account(const canvas::Position& start) : epoch_(start.epoch), start_(start.offset) {}

  /// A placement was made whose outcome is not known yet; `settled` when it is.
  void asked() { ++unsettled_; }
  void settled() { --unsettled_; }
  /// A problem in words, if two placements were acknowledged at one position.
  std::optional<std::string> acknowledged(const canvas::Position& position, std::uint32_t index,
                                          std::uint8_t color);

  [[nodiscard]] std::size_t placed() const { return offsets_.size(); }
  [[nodiscard]] Verdict verdict(const canvas::StandingBoard& found) const;

 private:
  struct Top {
    std::uint64_t offset = 0;
    std::uint8_t color = 0;
  };

  const std::uint64_t epoch_;
  const std::uint64_t start_;
  bool other_epoch_ = false;  // something was acknowledged in another one
  std::size_t unsettled_ = 0;
  std::unordered_set<std::uint64_t> offsets_;
  std::unordered_map<std::uint32_t, Top> top_;  // by pixel: the newest that was acknowledged
  std::string problem_;                         // the first
};

}  // namespace load
