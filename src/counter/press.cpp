#include "counter/press.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace counter {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string_view name_of(Verb verb) {
  switch (verb) {
    case Verb::increment:
      return "increment";
    case Verb::decrement:
      return "decrement";
    case Verb::reset:
      break;
  }
  return "reset";
}

std::string_view name_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::at_zero:
      return "at_zero";
    case Refusal::overflow:
      return "overflow";
    case Refusal::key_reused:
      return "key_reused";
    case Refusal::too_many_counters:
      return "too_many_counters";
    case Refusal::busy:
      return "busy";
    case Refusal::unavailable:
      return "unavailable";
    case Refusal::unknown:
      break;
  }
  return "unknown";
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= base::limits::kNameBytesMax && name != "." &&
         name != ".." && std::all_of(name.begin(), name.end(), is_name_character);
}

Answer pressed(Verb verb, std::int64_t value) {
  switch (verb) {
    case Verb::increment:
      if (value == kValueMax) return Refused{.reason = Refusal::overflow};
      return Counted{value + 1};
    case Verb::decrement:
      if (value == 0) return Refused{.reason = Refusal::at_zero};
      return Counted{value - 1};
    case Verb::reset:
      break;
  }
  return Counted{0};
}

}  // namespace counter
