// What every benchmark program needs: options, clocks and counters of processes, one line of JSON
// as the result.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// `--name=value` options. An option that nobody asked for, or a value that is not a number where
/// one is needed, ends the program with exit code 2 and one line.
class Options {
 public:
  Options(int argc, char** argv);
  std::string text(const std::string& name, const std::string& otherwise);
  std::int64_t number(const std::string& name, std::int64_t otherwise);
  /// --port=8000 or --port=8000,8001.
  std::vector<std::uint16_t> ports();
  /// Call after the last option was asked for.
  void finish() const;

 private:
  std::map<std::string, std::string> values_;
};

/// The result of a program: one JSON object on one line of standard output. Every quantity's name
/// ends in its unit.
class Report {
 public:
  Report& add(std::string_view name, double value);
  Report& add(std::string_view name, std::string_view value);
  void print() const;

 private:
  std::string members_;
};

/// Prints one line and ends the program with exit code 1: a benchmark that did not do the work it
/// claims has no figure.
[[noreturn]] void fail(const std::string& why);

constexpr std::int64_t seconds(double value) { return static_cast<std::int64_t>(value * 1e9); }

/// CPU time of this process so far, all threads, user and kernel.
std::int64_t process_cpu_ns();

/// Pins this process to one core; -1 leaves it alone.
void pin_to_core(int core);

/// The value that `fraction` of the sorted values are at or below; 0 if there are none.
double quantile(const std::vector<double>& sorted, double fraction);

/// A small, fast, seeded generator (splitmix64): the same seed gives the same load.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(next() % bound); }

 private:
  std::uint64_t state_;
};

}  // namespace bench
