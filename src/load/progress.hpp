// The line that tells how a load test gets on: on a terminal one that is written over every second,
// otherwise a new one every few seconds.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

namespace load {

/// At most three digits behind the point, and none that say nothing: 1234, 12.5, 0.25.
std::string short_number(double value);

/// How far the counters are by now.
struct Gauge {
  std::size_t live = 0;
  std::uint64_t deltas = 0;
  std::uint64_t placements = 0;
  double p99_ms = 0;
  std::uint64_t errors = 0;
  std::uint64_t faults = 0;
  std::uint64_t reconnects = 0;
};

class Progress {
 public:
  Progress(std::ostream& err, bool terminal) : err_(err), terminal_(terminal) {}

  /// Whether it is time for a line.
  [[nodiscard]] bool due(std::int64_t now_ns) const;
  void tell(std::int64_t now_ns, const Gauge& gauge);
  /// Something else that goes on.
  void say(const std::string& text);
  /// What is written next begins on a line of its own.
  void end();

 private:
  std::ostream& err_;
  const bool terminal_;
  bool open_ = false;  // a line of the terminal that is written over
  std::int64_t began_ns_ = 0;
  std::int64_t told_ns_ = 0;
  Gauge before_;
};

}  // namespace load
