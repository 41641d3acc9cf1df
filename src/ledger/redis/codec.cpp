#include "ledger/redis/codec.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/text.hpp"

namespace ledger {

namespace {

using counter::Answer;
using counter::Counted;
using counter::Refusal;
using counter::Refused;
using counter::Verb;

constexpr std::string_view kVerbLetters = "idr";
constexpr std::size_t kDigestDigits = 40;

std::int64_t whole(std::size_t number) { return static_cast<std::int64_t>(number); }

std::size_t place_of(Verb verb) { return static_cast<std::size_t>(verb); }

Answer refused(Refusal reason) { return Refused{.reason = reason}; }

/// Cuts the next part off; without a separator that is all.
std::string_view cut(std::string_view& text, char separator) {
  const auto size = text.find(separator);
  const auto part = text.substr(0, size);
  text.remove_prefix(size == std::string_view::npos ? text.size() : size + 1);
  return part;
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// "added high taken low" of one group.
struct Sums {
  std::size_t added = 0;
  std::int64_t high = 0;
  std::size_t taken = 0;
  std::int64_t low = 0;
};

std::optional<Sums> sums_in(std::string_view line) {
  const auto added = base::parse_number<std::size_t>(cut(line, ' '));
  const auto high = base::parse_number<std::int64_t>(cut(line, ' '));
  const auto taken = base::parse_number<std::size_t>(cut(line, ' '));
  const auto low = base::parse_number<std::int64_t>(line);
  if (!added || !high || !taken || !low || *high < 0 || *low < 0) return std::nullopt;
  const auto most = static_cast<std::uint64_t>(*high);
  if (*added > most || *taken > most) return std::nullopt;
  return Sums{*added, *high, *taken, *low};
}

std::optional<Answer> answer_in(std::string_view line) {
  const auto code = cut(line, ' ');
  if (code == "z") return refused(Refusal::at_zero);
  if (code == "o") return refused(Refusal::overflow);
  if (code == "r") return refused(Refusal::key_reused);
  if (code == "t") return refused(Refusal::too_many_counters);
  const auto value = base::parse_number<std::int64_t>(line);
  if (code != "c" || !value) return std::nullopt;
  return Counted{*value};
}

}  // namespace

std::optional<Change> decode_change(std::string_view text) {
  if (!text.starts_with("c ")) return std::nullopt;
  text.remove_prefix(2);
  auto head = cut(text, '\n');
  Change change;
  const auto epoch = base::parse_number<std::uint64_t>(cut(head, ' '));
  const auto changes = base::parse_number<std::uint64_t>(cut(head, ' '));
  change.base_digest = cut(head, ' ');
  if (!epoch || !changes || !is_digest(change.base_digest) || !is_digest(head)) {
    return std::nullopt;
  }
  change.at = {*epoch, *changes, std::string(head)};
  while (!text.empty()) {
    auto line = cut(text, '\n');
    const auto name = cut(line, ' ');
    const auto value = base::parse_number<std::int64_t>(line);
    if (!value || *value < 0 || !counter::is_valid_name(name)) return std::nullopt;
    change.counters.push_back({std::string(name), *value});
  }
  return change;
}

Batch::Batch(std::span<const counter::Press> presses) : presses_(presses) {
  std::unordered_map<std::string_view, std::size_t> known;
  std::size_t last = 0;  // pressed
  for (std::size_t i = 0; i < presses.size(); ++i) {
    const auto& press = presses[i];
    if (!press.key.empty()) {
      with_keys_.push_back(i);
      continue;
    }
    // Most people press the same one.
    if (groups_.empty() || groups_[last].name != press.name) {
      const auto [found, is_new] = known.try_emplace(press.name, groups_.size());
      if (is_new) groups_.push_back({.name = press.name, .presses = {}});
      last = found->second;
    }
    groups_[last].presses[place_of(press.verb)].push_back(i);
  }
}

std::vector<std::string> Batch::arguments() const {
  std::vector<std::string> arguments;
  arguments.reserve(1 + 4 * groups_.size() + 3 * with_keys_.size());
  arguments.push_back(std::to_string(groups_.size()));
  for (const auto& group : groups_) {
    arguments.emplace_back(group.name);
    for (const auto& places : group.presses) arguments.push_back(std::to_string(places.size()));
  }
  for (const auto i : with_keys_) {
    arguments.push_back(presses_[i].key);
    arguments.push_back(presses_[i].name);
    arguments.emplace_back(1, kVerbLetters[place_of(presses_[i].verb)]);
  }
  return arguments;
}

std::optional<std::vector<Answer>> Batch::answers(std::string_view text) const {
  std::vector<Answer> answers(presses_.size());
  for (const auto& group : groups_) {
    const auto& [increments, decrements, resets] = group.presses;
    const auto line = cut(text, '\n');
    if (line == "-") {
      for (const auto& places : group.presses) {
        for (const auto i : places) answers[i] = refused(Refusal::too_many_counters);
      }
      continue;
    }
    const auto sums = sums_in(line);
    if (!sums || sums->added > increments.size() || sums->taken > decrements.size()) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < increments.size(); ++i) {
      answers[increments[i]] = i < sums->added
                                   ? Answer(Counted{sums->high - whole(sums->added - 1 - i)})
                                   : refused(Refusal::overflow);
    }
    for (std::size_t i = 0; i < decrements.size(); ++i) {
      answers[decrements[i]] =
          i < sums->taken ? Answer(Counted{sums->high - 1 - whole(i)}) : refused(Refusal::at_zero);
    }
    for (const auto i : resets) answers[i] = Counted{0};
  }
  for (const auto i : with_keys_) {
    const auto answer = answer_in(cut(text, '\n'));
    if (!answer) return std::nullopt;
    answers[i] = *answer;
  }
  if (!text.empty()) return std::nullopt;
  return answers;
}

}  // namespace ledger
