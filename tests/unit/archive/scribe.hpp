// A model of the journal for the tests of the archive: makes entries as the journal would, and
// knows what the board must be.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "archive/types.hpp"
#include "canvas/digest.hpp"

namespace archive {

inline constexpr std::uint8_t kBlank = 9;

class Scribe {
 public:
  static constexpr std::int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01, 0 h UTC
  static constexpr std::int64_t kPeople = 50;

  explicit Scribe(canvas::Size size = {40, 30}) : board_(size, kBlank) {}

  [[nodiscard]] const Cursor& cursor() const { return cursor_; }
  [[nodiscard]] const canvas::Board& board() const { return board_; }
  [[nodiscard]] canvas::Board blank() const { return canvas::Board(board_.size(), kBlank); }

  /// The next epoch, which lost what came after `base`. The first one begins at 0.
  NewEpoch begin_epoch(std::uint64_t base) {
    const std::uint64_t epoch = cursor_.position.epoch + 1;
    while (!valid_.empty() && valid_.back().entry.offset > base) valid_.pop_back();
    board_ = blank();
    for (const ArchivedEntry& archived : valid_) board_.apply(archived.entry);
    cursor_ = {{epoch, base}, valid_.empty() ? 0 : valid_.back().entry.digest};
    return {epoch, base, cursor_.digest};
  }
  NewEpoch begin_epoch() { return begin_epoch(cursor_.position.offset); }

  ArchivedEntry place(std::uint16_t x, std::uint16_t y, std::uint8_t color, std::int64_t person,
                      const std::string& name) {
    ArchivedEntry made;
    made.entry = {.offset = cursor_.position.offset + 1,
                  .time_ms = time_ms_,
                  .person = base::PersonId{person},
                  .x = x,
                  .y = y,
                  .color = color};
    made.entry.digest = canvas::next_digest(cursor_.digest, made.entry);
    made.epoch = cursor_.position.epoch;
    made.producer = base::ProducerId{0xf000'0000'0000'0000U + static_cast<std::uint64_t>(person)};
    made.sequence = made.entry.offset;
    made.name = name;
    board_.apply(made.entry);
    valid_.push_back(made);
    cursor_ = {{made.epoch, made.entry.offset}, made.entry.digest};
    return made;
  }
  ArchivedEntry place() {
    const auto below = [this](std::uint64_t bound) { return random_() % bound; };
    const auto person = static_cast<std::int64_t>(below(kPeople)) - kPeople / 2;
    time_ms_ += static_cast<std::int64_t>(below(3));
    return place(static_cast<std::uint16_t>(below(board_.size().width)),
                 static_cast<std::uint16_t>(below(board_.size().height)),
                 static_cast<std::uint8_t>(below(32)), person, "person " + std::to_string(person));
  }
  std::vector<ArchivedEntry> place(std::size_t count) {
    std::vector<ArchivedEntry> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(place());
    return made;
  }

  void pass(std::int64_t ms) { time_ms_ += ms; }
  [[nodiscard]] std::int64_t time_ms() const { return time_ms_; }

  /// What is on the board and how it came there: everything that is not void, in order.
  [[nodiscard]] std::span<const ArchivedEntry> valid() const { return valid_; }

 private:
  canvas::Board board_;
  Cursor cursor_;
  std::int64_t time_ms_ = kStartMs;
  std::vector<ArchivedEntry> valid_;
  std::mt19937_64 random_{20260101};
};

}  // namespace archive
