// The live canvas: the board, its position and the tail in memory, fed by the journal, read by
// everyone else.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "canvas/cooldown.hpp"
#include "canvas/operation.hpp"
#include "canvas/standing.hpp"
#include "canvas/tail.hpp"
#include "journal/journal.hpp"
#include "ops/metrics.hpp"
#include "service/feed.hpp"
#include "wire/protocol.hpp"

namespace service {

/// Thread-safe.
class LiveCanvas final : public Feed {
 public:
  /// `rules` are those that everybody knows of already.
  LiveCanvas(journal::Start start, unsigned color_bits, ops::CanvasMetrics& metrics,
             const canvas::Rules& rules = {});

  /// Everything anew: what was here is void, and who follows is sent to the snapshot.
  void reset(journal::Start start);

  /// Entries from the journal, contiguous with what is here.
  void apply(std::span<const canvas::Entry> entries);

  /// The rules that hold from now on: what of them is new, everybody is told.
  void set_rules(const canvas::Rules& rules);

  /// Whether the journal has given a board yet.
  [[nodiscard]] bool known() const { return standing().position.epoch != kUnknown; }
  [[nodiscard]] canvas::Standing standing() const;
  [[nodiscard]] canvas::StandingBoard snapshot() const;
  [[nodiscard]] std::uint8_t color_at(std::uint16_t x, std::uint16_t y) const;
  [[nodiscard]] canvas::Size size() const { return size_; }
  [[nodiscard]] unsigned color_bits() const { return color_bits_; }

  /// Whether a reader can go on from where it says it stands; otherwise why not.
  [[nodiscard]] std::optional<wire::SnapshotReason> refuses(const canvas::Standing& reader) const;

  std::optional<Tick> take_tick() override;
  std::vector<wire::SharedBytes> take_notices() override;
  wire::SharedBytes catch_up(std::uint64_t from, std::uint64_t to) override;
  wire::SharedBytes too_far_behind() override;
  wire::SharedBytes presence(std::uint32_t online) override;
  wire::SharedBytes draining(std::uint32_t reconnect_ms) override;

 private:
  static constexpr std::uint64_t kUnknown = 0;  // no epoch of any journal
  [[nodiscard]] wire::SharedBytes delta_frame(std::uint64_t from, std::uint64_t to) const;

  const canvas::Size size_;
  const unsigned color_bits_;
  ops::CanvasMetrics& metrics_;

  mutable std::mutex mutex_;  // protects all that follows
  std::uint64_t epoch_;
  canvas::Board board_;
  canvas::Tail tail_;
  std::uint64_t ticked_;    // the offset of the last tick taken
  bool was_reset_ = false;  // and nobody was told
  canvas::Rules rules_;
  canvas::Rules told_rules_;  // of which everybody was told
};

}  // namespace service
