#include "service/live_canvas.hpp"

#include <utility>

#include "base/limits.hpp"

namespace service {

namespace {

/// A tail that holds what start() found. Its first entry only gives the digest to begin from.
canvas::Tail tail_of(const journal::Start& start) {
  const auto entries_max = base::limits::kTailEntriesMax;
  if (start.tail.empty()) {
    return {start.board.size(), start.position.offset, start.digest, entries_max};
  }
  const auto& first = start.tail.front();
  canvas::Tail tail(start.board.size(), first.offset, first.digest, entries_max);
  for (const auto& entry : std::span(start.tail).subspan(1)) tail.push(entry);
  return tail;
}

}  // namespace

LiveCanvas::LiveCanvas(journal::Start start, unsigned color_bits, ops::CanvasMetrics& metrics,
                       const canvas::Rules& rules)
    : size_(start.board.size()),
      color_bits_(color_bits),
      metrics_(metrics),
      epoch_(start.position.epoch),
      board_(std::move(start.board)),
      tail_(tail_of(start)),
      ticked_(start.position.offset),
      rules_(rules),
      told_rules_(rules) {
  metrics_.journal_epoch.set(static_cast<double>(epoch_));
  metrics_.journal_offset.set(static_cast<double>(ticked_));
}

void LiveCanvas::reset(journal::Start start) {
  canvas::Tail tail = tail_of(start);
  const std::lock_guard lock(mutex_);
  was_reset_ = was_reset_ || epoch_ != kUnknown;  // before that nobody could follow
  epoch_ = start.position.epoch;
  board_ = std::move(start.board);
  tail_ = std::move(tail);
  ticked_ = start.position.offset;
  metrics_.journal_epoch.set(static_cast<double>(epoch_));
  metrics_.journal_offset.set(static_cast<double>(ticked_));
}

void LiveCanvas::apply(std::span<const canvas::Entry> entries) {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries) {
    board_.apply(entry);
    tail_.push(entry);
  }
  metrics_.journal_offset.set(static_cast<double>(tail_.head()));
}

void LiveCanvas::set_rules(const canvas::Rules& rules) {
  const std::lock_guard lock(mutex_);
  rules_ = rules;
}

canvas::Standing LiveCanvas::standing() const {
  const std::lock_guard lock(mutex_);
  return {{epoch_, tail_.head()}, tail_.head_digest()};
}

canvas::StandingBoard LiveCanvas::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {{{epoch_, tail_.head()}, tail_.head_digest()}, board_};
}

std::uint8_t LiveCanvas::color_at(std::uint16_t x, std::uint16_t y) const {
  const std::lock_guard lock(mutex_);
  return board_.at(x, y);
}

std::optional<wire::SnapshotReason> LiveCanvas::refuses(const canvas::Standing& reader) const {
  const std::lock_guard lock(mutex_);
  if (epoch_ == kUnknown || reader.position.epoch != epoch_) {
    return wire::SnapshotReason::other_epoch;
  }
  if (reader.position.offset > tail_.head()) return wire::SnapshotReason::ahead;
  const auto digest = tail_.digest_at(reader.position.offset);
  if (!digest) return wire::SnapshotReason::too_old;
  if (*digest != reader.digest) return wire::SnapshotReason::digest;
  return std::nullopt;
}

std::optional<Tick> LiveCanvas::take_tick() {
  std::uint64_t base = 0;
  std::uint64_t head = 0;
  std::uint64_t epoch = 0;
  bool was_reset = false;
  {
    const std::lock_guard lock(mutex_);
    epoch = epoch_;
    base = ticked_;
    head = tail_.head();
    ticked_ = head;
    was_reset = std::exchange(was_reset_, false);
  }
  if (was_reset) {
    const wire::SnapshotNeeded needed{wire::SnapshotReason::other_epoch, {epoch, head}};
    return Tick{.base = head,
                .offset = head,
                .frame = wire::shared_frame(wire::encode(needed)),
                .anew = true};
  }
  if (base == head) return std::nullopt;
  return Tick{.base = base, .offset = head, .frame = delta_frame(base, head)};
}

/// Of changes in quick succession only what is left of them in the end is told.
std::vector<wire::SharedBytes> LiveCanvas::take_notices() {
  canvas::Rules rules;
  canvas::Rules told;
  {
    const std::lock_guard lock(mutex_);
    rules = rules_;
    told = std::exchange(told_rules_, rules_);
  }
  std::vector<wire::SharedBytes> frames;
  const auto notice = [&frames](wire::NoticeKind kind, std::uint32_t value) {
    frames.push_back(wire::shared_frame(wire::encode(wire::Notice{kind, value, {}})));
  };
  if (rules.cooldown_ms != told.cooldown_ms) {
    notice(wire::NoticeKind::cooldown, rules.cooldown_ms);
  }
  if (rules.frozen != told.frozen) notice(wire::NoticeKind::frozen, rules.frozen ? 1 : 0);
  return frames;
}

wire::SharedBytes LiveCanvas::catch_up(std::uint64_t from, std::uint64_t to) {
  if (to - from > base::limits::kCatchUpEntriesMax) return nullptr;
  auto frame = delta_frame(from, to);
  return frame && frame->size() <= base::limits::kCatchUpBytesMax ? frame : nullptr;
}

/// Only the copy is made under the lock: the journal waits for it.
wire::SharedBytes LiveCanvas::delta_frame(std::uint64_t from, std::uint64_t to) const {
  std::optional<std::vector<canvas::PixelChange>> writes;
  std::optional<std::uint64_t> digest;
  {
    const std::lock_guard lock(mutex_);
    writes = tail_.between(from, to);
    digest = tail_.digest_at(to);
  }
  if (!writes || !digest) return nullptr;
  const wire::Delta delta{.base = from,
                          .advance = static_cast<std::uint32_t>(to - from),
                          .digest = *digest,
                          .pixels = canvas::conflate(*writes)};
  return wire::shared_frame(wire::encode(delta, color_bits_));
}

wire::SharedBytes LiveCanvas::too_far_behind() {
  const auto now = standing().position;
  return wire::shared_frame(wire::encode(wire::SnapshotNeeded{wire::SnapshotReason::too_old, now}));
}

wire::SharedBytes LiveCanvas::presence(std::uint32_t online) {
  return wire::shared_frame(wire::encode(wire::Presence{online}));
}

wire::SharedBytes LiveCanvas::draining(std::uint32_t reconnect_ms) {
  return wire::shared_frame(
      wire::encode(wire::Notice{wire::NoticeKind::draining, reconnect_ms, {}}));
}

}  // namespace service
