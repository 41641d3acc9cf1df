#include "load/account.hpp"

#include <utility>

namespace load {

std::optional<std::string> Account::acknowledged(const canvas::Position& position,
                                                 std::uint32_t index, std::uint8_t color) {
  other_epoch_ = other_epoch_ || position.epoch != epoch_;
  if (!offsets_.insert(position.offset).second && !other_epoch_) {
    auto problem = "two placements were acknowledged at offset " + std::to_string(position.offset);
    if (problem_.empty()) problem_ = problem;
    return problem;
  }
  auto& top = top_[index];
  if (position.offset > top.offset) top = {position.offset, color};
  return std::nullopt;
}

Verdict Account::verdict(const canvas::StandingBoard& found) const {
  std::vector<std::string> lines{"",  // what it comes to
                                 std::to_string(placed()) + " placements acknowledged, " +
                                     std::to_string(unsettled_) + " outcomes unknown",
                                 "the journal went from offset " + std::to_string(start_) + " to " +
                                     std::to_string(found.at.position.offset)};
  if (other_epoch_ || found.at.position.epoch != epoch_) {
    lines.front() = "The epoch ended during the run: nothing to compare";
    return {true, std::move(lines)};
  }
  std::vector<std::string> problems;
  if (!problem_.empty()) problems.push_back(problem_);
  const auto moved = found.at.position.offset - start_;
  if (found.at.position.offset < start_ || moved < placed()) {
    problems.push_back(std::to_string(start_ + placed() - found.at.position.offset) +
                       " acknowledged placements are lost");
  } else if (moved > placed() + unsettled_) {
    lines.emplace_back("others have drawn, too: their pixels were not compared");
  } else if (moved == placed()) {
    std::size_t wrong = 0;
    for (const auto& [index, top] : top_) {
      wrong += static_cast<std::uint8_t>(found.board.pixels()[index]) != top.color ? 1 : 0;
    }
    const auto all = std::to_string(top_.size());
    if (wrong > 0) {
      problems.push_back(std::to_string(wrong) + " of " + all + " pixels are not as acknowledged");
    } else {
      lines.push_back(all + " pixels of the board are as acknowledged");
    }
  }
  lines.front() = problems.empty() ? "The account holds" : "THE ACCOUNT DOES NOT HOLD";
  lines.insert(lines.end(), problems.begin(), problems.end());
  return {problems.empty(), std::move(lines)};
}

}  // namespace load
