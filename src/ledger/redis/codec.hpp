// The texts of docs/ledger.md: a batch of presses as the arguments of
// pc2_press, its answers handed out, and what is published. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "counter/press.hpp"
#include "ledger/ledger.hpp"

namespace ledger {

/// Where a ledger stands: how often it was made and changed, and a digest of all changes.
struct Standing {
  std::uint64_t epoch = 0;
  std::uint64_t changes = 0;
  std::string digest;  // 40 hexadecimal digits
  friend bool operator==(const Standing&, const Standing&) = default;
};

/// One change of the ledger: the new values of the counters that it touched.
struct Change {
  std::string base_digest;
  Standing at;  // after it
  std::vector<Counter> counters;
};

/// nullopt when it is none.
std::optional<Change> decode_change(std::string_view text);

/// A batch: presses without keys are combined, those of a counter in one group. `presses` outlive
/// it.
class Batch {
 public:
  explicit Batch(std::span<const counter::Press> presses);

  /// The arguments of pc2_press that stand for the presses.
  [[nodiscard]] std::vector<std::string> arguments() const;

  /// The answers, in the order of the presses: every increment gets a value of its own. nullopt
  /// when the text is not an answer to this batch.
  [[nodiscard]] std::optional<std::vector<counter::Answer>> answers(std::string_view text) const;

 private:
  struct Group {
    std::string_view name;
    std::vector<std::size_t> presses[3];  // by verb, as places in presses_
  };

  std::span<const counter::Press> presses_;
  std::vector<Group> groups_;
  std::vector<std::size_t> with_keys_;
};

}  // namespace ledger
