// What a replica of the counter reads from Redis: changes, and answers to batches. And what
// strangers name their counters.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "ledger/redis/codec.hpp"

namespace {

using counter::Verb;

/// Lines as docs/ledger.md has them.
std::string text_of(const ledger::Change& change, std::string_view head) {
  std::string text(head);
  for (const auto& [name, value] : change.counters) {
    text.append(name).append(" ").append(std::to_string(value)).append("\n");
  }
  return text;
}

void check_change(std::string_view input) {
  const auto change = ledger::decode_change(input);
  if (!change) return;
  for (const auto& [name, value] : change->counters) {
    fuzz::must(counter::is_valid_name(name), "a counter has a name that people can use");
    fuzz::must(value >= 0, "no counter is below zero");
  }
  const auto head = input.substr(0, std::min(input.find('\n'), input.size() - 1) + 1);
  const auto again = ledger::decode_change(text_of(*change, head));
  fuzz::must(again && again->at == change->at && again->counters == change->counters,
             "a change that was read is the one that was told");
}

/// Every increment that was counted has a value of its own, whatever the answer says.
void check_answers(std::string_view input) {
  static const std::vector<counter::Press> presses = {{"a", Verb::increment, ""},
                                                      {"a", Verb::increment, ""},
                                                      {"a", Verb::decrement, ""},
                                                      {"b", Verb::reset, ""},
                                                      {"a", Verb::increment, "key"}};
  static const ledger::Batch batch(presses);
  const auto answers = batch.answers(input);
  if (!answers) return;
  fuzz::must(answers->size() == presses.size(), "each press has an answer");
  const auto* first = std::get_if<counter::Counted>(&answers->at(0));
  const auto* second = std::get_if<counter::Counted>(&answers->at(1));
  if (first == nullptr || second == nullptr) return;
  fuzz::must(second->value == first->value + 1, "no two increments get one value");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  check_change(input);
  check_answers(input);
  const bool named = counter::is_valid_name(input);
  fuzz::must(!named || (size <= 64 && input.find_first_of("/ \n") == std::string_view::npos),
             "a name is one segment of an address");
  return 0;
}
