// What a run was like, second by second, as `locust --record` writes it (loadtest/record.py): the
// data that reports are made of. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "load/account.hpp"
#include "load/histogram.hpp"

namespace load {

/// A fact about the run or a number of it, with its name; and what it must not exceed, if anything.
struct Fact {
  std::string name;
  double value = 0;
};
struct Threshold {
  std::string name;
  double found = 0;
  double limit = 0;
  [[nodiscard]] bool holds() const { return found <= limit; }
};

/// What only the end of a run knows.
struct Outcome {
  std::string host;
  std::size_t users = 0;
  Verdict verdict;
  std::vector<Threshold> thresholds;
  std::vector<Fact> facts;
};

/// Not thread-safe.
class Record {
 public:
  explicit Record(std::int64_t began_ns) : began_ns_(began_ns) {}

  /// An answer to a request of a kind and name, such as "WS" and "place: acknowledged".
  void answer(const std::string& kind, const std::string& name, std::int64_t took_ns);
  void failure(const std::string& kind, const std::string& name, std::int64_t took_ns,
               const std::string& what);
  /// A row that is not in the totals, because they have its answers already.
  Histogram& beside(const std::string& kind, const std::string& name);
  void served_by(const std::string& replica) { ++replicas_[replica]; }
  /// An answer 429.
  void wait_asked();

  /// Closes the seconds that are over; `users` are live.
  void turn(std::int64_t now_ns, std::size_t users);
  void end(std::int64_t now_ns, std::size_t users);

  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t limited() const { return limited_; }
  /// The failures of the run with how often each happened, the most frequent ones first.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> failures_by_kind() const;
  [[nodiscard]] const Histogram* row(const std::string& kind, const std::string& name) const;

  /// One JSON object; after end().
  [[nodiscard]] std::string json(const Outcome& outcome) const;

 private:
  using Key = std::pair<std::string, std::string>;  // kind and name
  struct Row {
    Histogram times;
    std::uint64_t failures = 0;
  };
  struct Second {
    std::int64_t second = 0;
    std::size_t users = 0;
    std::uint64_t requests = 0;
    std::uint64_t failures = 0;
    std::uint64_t limited = 0;
    std::vector<std::optional<double>> percentiles_ms;
  };
  using Error = std::pair<Key, std::string>;  // and what

  [[nodiscard]] double duration_s() const;

  const std::int64_t began_ns_;
  std::int64_t ended_ns_ = 0;
  Histogram all_;
  Histogram second_;  // of the current second
  Second now_;
  std::vector<Second> seconds_;
  std::map<Key, Row> rows_;
  std::map<Key, Row> beside_;
  std::map<Error, std::uint64_t> errors_;
  std::map<std::string, std::uint64_t> replicas_;
  std::uint64_t failures_ = 0;
  std::uint64_t limited_ = 0;
};

}  // namespace load
