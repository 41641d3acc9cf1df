// Whether this replica should get traffic, and why not: what GET /health/ready tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ops {

enum class Stage : std::uint8_t { starting, serving, draining };

/// How one dependency is doing. A degraded one leaves the replica ready: it can still serve.
struct Check {
  bool ready = true;
  std::string detail = "ok";
};

/// The stage may be set and everything read on any thread; checks are added before that.
class Readiness {
 public:
  void add_check(std::string_view name, std::function<Check()> check) {
    checks_.emplace_back(name, std::move(check));
  }

  void set_stage(Stage stage) { stage_.store(stage); }
  [[nodiscard]] Stage stage() const { return stage_.load(); }

  struct Report {
    bool ready = false;
    std::string_view status;  // a literal: starting, ready, not ready, draining
    std::vector<std::pair<std::string_view, std::string>> checks;
  };

  [[nodiscard]] Report report() const {
    Report report{.ready = true, .status = "ready"};
    for (const auto& [name, check] : checks_) {
      Check now = check();
      report.ready = report.ready && now.ready;
      report.checks.emplace_back(name, std::move(now.detail));
    }
    if (!report.ready) report.status = "not ready";
    if (stage() != Stage::serving) {
      report.ready = false;
      report.status = stage() == Stage::starting ? "starting" : "draining";
    }
    return report;
  }

 private:
  std::atomic<Stage> stage_{Stage::starting};
  std::vector<std::pair<std::string_view, std::function<Check()>>> checks_;
};

}  // namespace ops
