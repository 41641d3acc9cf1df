#include "redis/error.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace redis {

namespace {

constexpr std::size_t kLineBytesMax = 300;

// Codes that are not here (ERR, WRONGTYPE, CROSSSLOT, a function's own …) are refusals.
constexpr std::array kMeanings{
    Meaning{"READONLY", Failure::not_applied, true},
    Meaning{"MASTERDOWN", Failure::not_applied, true},
    Meaning{"LOADING", Failure::not_applied, true},
    Meaning{"CLUSTERDOWN", Failure::not_applied, true},
    Meaning{"MOVED", Failure::not_applied, true},
    Meaning{"ASK", Failure::not_applied, true},
    Meaning{"NOAUTH", Failure::not_applied, true},
    Meaning{"WRONGPASS", Failure::not_applied, true},
    Meaning{"DENIED", Failure::not_applied, true},  // protected mode
    Meaning{"NOPERM", Failure::not_applied, false},
    Meaning{"NOREPLICAS", Failure::not_applied, false},
    Meaning{"TRYAGAIN", Failure::not_applied, false},
    Meaning{"NOSCRIPT", Failure::not_applied, false},
    Meaning{"MISCONF", Failure::not_applied, false},
    Meaning{"OOM", Failure::not_applied, false},
    Meaning{"BUSY", Failure::not_applied, false},       // a script is running for too long
    Meaning{"EXECABORT", Failure::not_applied, false},  // nothing of the transaction was run
    Meaning{"UNBLOCKED", Failure::unknown, false},      // a WAIT: the node is no master any more
};

}  // namespace

Meaning meaning_of(const Reply& error) {
  const auto* const found = std::find_if(kMeanings.begin(), kMeanings.end(),
                                         [&](const Meaning& m) { return m.code == error.code(); });
  return found == kMeanings.end() ? Meaning{} : *found;
}

Error error_of(const Reply& error, std::string_view where) {
  return {meaning_of(error).kind, std::string(error.code()),
          std::string(where) + ": " + one_line(error.text)};
}

std::string one_line(std::string_view text) {
  std::string line(base::truncate_utf8(text, kLineBytesMax));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

}  // namespace redis
