// Durations, counted in classes of 1.6 % width, so that a million of them cost no memory. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace load {

/// Not thread-safe.
class Histogram {
 public:
  Histogram();
  /// Negative durations count as 0.
  void add(std::int64_t duration_ns);
  void clear();

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// What `percent` of the durations do not exceed; nullopt of nothing.
  [[nodiscard]] std::optional<double> percentile_ms(double percent) const;
  [[nodiscard]] std::optional<double> max_ms() const;

 private:
  std::vector<std::uint64_t> classes_;
  std::uint64_t count_ = 0;
  std::uint64_t max_us_ = 0;
};

}  // namespace load
