#include "archive/walk.hpp"

#include <algorithm>
#include <utility>

#include "canvas/digest.hpp"

namespace archive {

namespace {

std::string named(std::uint64_t epoch, std::uint64_t offset) {
  return "entry " + std::to_string(offset) + " of epoch " + std::to_string(epoch);
}

}  // namespace

Walk::Walk(std::vector<NewEpoch> epochs, canvas::Board blank, OnProblem on_problem,
           OnPosition on_position)
    : epochs_(std::move(epochs)),
      valid_up_to_(epochs_.size(), UINT64_MAX),
      on_problem_(std::move(on_problem)),
      on_position_(std::move(on_position)),
      standing_{{}, std::move(blank)} {
  for (std::size_t i = epochs_.size(); i > 1; --i) {
    valid_up_to_[i - 2] = std::min(valid_up_to_[i - 1], epochs_[i - 1].base);
  }
}

void Walk::start_at(canvas::StandingBoard start) {
  standing_ = std::move(start);
  chain_offset_ = standing_.at.position.offset;
  chain_digest_ = standing_.at.digest;
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    if (epochs_[i].epoch == standing_.at.position.epoch) current_ = i;
  }
  if (!current_) on_problem_("the board's epoch is not in the table of epochs");
}

void Walk::follow(std::uint64_t epoch, const canvas::Entry& entry) {
  ++entries_;
  if (!go_to_epoch(epoch)) return on_problem_(named(epoch, entry.offset) + ": no such epoch");
  if (!link(epoch, entry)) return;
  if (entry.offset > valid_up_to_[*current_]) {
    ++void_entries_;
  } else {
    apply(entry);
  }
}

void Walk::finish(const Cursor& cursor) {
  if (cursor == Cursor{}) return;
  if (!go_to_epoch(cursor.position.epoch)) {
    return on_problem_("the cursor's epoch is not in the table of epochs");
  }
  if (standing_.at.position.offset > cursor.position.offset) {
    on_problem_("the cursor stands before the base of its epoch");
  } else if (standing_.at.position.offset < cursor.position.offset) {
    missing(standing_.at.position.offset + 1, cursor.position.offset);
  } else if (standing_.at.digest != cursor.digest) {
    on_problem_("the cursor's digest is not that of the last entry");
  }
}

/// False, and nothing has happened, when there is no such epoch from here on.
bool Walk::go_to_epoch(std::uint64_t epoch) {
  if (current_ && epochs_[*current_].epoch == epoch) return true;
  const std::size_t first = current_ ? *current_ + 1 : 0;
  const auto found = std::find_if(epochs_.begin() + static_cast<std::ptrdiff_t>(first),
                                  epochs_.end(), [&](const auto& e) { return e.epoch == epoch; });
  if (found == epochs_.end()) return false;
  const auto last = static_cast<std::size_t>(found - epochs_.begin());
  for (std::size_t i = first; i <= last; ++i) enter(i);
  return true;
}

void Walk::enter(std::size_t index) {
  const NewEpoch& epoch = epochs_[index];
  if (current_ && chain_offset_ < epoch.base) missing(chain_offset_ + 1, epoch.base);
  // Of an epoch that was lost whole, its base too, the board sees nothing.
  const bool on_board = epoch.base <= valid_up_to_[index];
  if (on_board) {
    // A chain may begin anew: with digest 0.
    const bool continues = epoch.base_digest == standing_.at.digest || epoch.base_digest == 0;
    if (current_ && standing_.at.position.offset == epoch.base && !continues) {
      on_problem_("epoch " + std::to_string(epoch.epoch) + " does not continue the digest before");
    }
    standing_.at.position = {epoch.epoch, epoch.base};
    standing_.at.digest = epoch.base_digest;
  }
  current_ = index;
  chain_offset_ = epoch.base;
  chain_digest_ = epoch.base_digest;
  time_ms_ = INT64_MIN;
  if (on_board && on_position_) on_position_(standing_);
}

/// Checks that the entry is the next one of its epoch. False: it is to be left out.
bool Walk::link(std::uint64_t epoch, const canvas::Entry& entry) {
  if (entry.offset <= chain_offset_) {
    on_problem_(named(epoch, entry.offset) + " is there twice");
    return false;
  }
  if (entry.offset != chain_offset_ + 1) {
    missing(chain_offset_ + 1, entry.offset - 1);
  } else if (entry.digest != canvas::next_digest(chain_digest_, entry)) {
    on_problem_(named(epoch, entry.offset) + ": its digest does not follow");
  }
  if (entry.time_ms < time_ms_) {
    on_problem_(named(epoch, entry.offset) + " is older than the one before");
  }
  chain_offset_ = entry.offset;
  chain_digest_ = entry.digest;
  time_ms_ = entry.time_ms;
  if (standing_.board.size().contains(entry.x, entry.y)) return true;
  on_problem_(named(epoch, entry.offset) + " lies outside the canvas");
  return false;
}

void Walk::apply(const canvas::Entry& entry) {
  standing_.board.apply(entry);
  standing_.at.position.offset = entry.offset;
  standing_.at.digest = entry.digest;
  if (on_position_) on_position_(standing_);
}

void Walk::missing(std::uint64_t first, std::uint64_t last) {
  const std::string epoch = std::to_string(epochs_[*current_].epoch);
  const std::string offset = std::to_string(first);
  on_problem_(first >= last ? "entry " + offset + " of epoch " + epoch + " is missing"
                            : "entries " + offset + " to " + std::to_string(last) + " of epoch " +
                                  epoch + " are missing");
}

}  // namespace archive
