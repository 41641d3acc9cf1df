// A load test of a canvas, from the first question to the report: `pixel-battle loadtest`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "load/crowd.hpp"
#include "load/http.hpp"
#include "load/options.hpp"
#include "load/progress.hpp"

namespace load {

/// Runs once, on one thread.
class LoadTest {
 public:
  /// `stopped` ends the test early, with a whole report. `out` is for the result, `err` for the
  /// progress, `terminal` whether that is one. All outlive the test.
  LoadTest(const Options& options, const std::function<bool()>& stopped, std::ostream& out,
           std::ostream& err, bool terminal);

  /// The exit code: 0 if every check and threshold holds. An error when it could not begin.
  base::Result<int> run();

 private:
  base::Status check_machine() const;
  base::Status find_canvas();
  base::Result<canvas::StandingBoard> snapshot(std::uint64_t min_offset);
  base::Result<std::vector<std::string>> sign_in_painters();
  [[nodiscard]] bool all_live() const;
  void hold();
  void wind_down();
  void compare();
  Outcome outcome() const;
  int report();
  void say_limits() const;
  bool run_until(const std::function<bool()>& done, std::int64_t limit_ns);

  const Options& options_;
  const std::function<bool()>& stopped_;
  std::ostream& out_;
  std::ostream& err_;
  Progress progress_;
  std::optional<Address> address_;
  std::unique_ptr<Http> http_;
  canvas::Size size_;
  unsigned color_bits_ = 0;
  double held_s_ = 0;  // how long clients were held
  double cpu_s_ = 0;   // of this process meanwhile
  std::optional<Record> record_;
  std::optional<Checker> checker_;
  std::optional<Account> account_;
  std::unique_ptr<Crowd> crowd_;
  std::size_t live_in_the_end_ = 0;
  Verdict verdict_;
};

}  // namespace load
