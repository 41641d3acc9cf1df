// The metrics: the whole list of names is a golden file, so that no dashboard breaks unnoticed.
#include "ops/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <vector>

namespace ops {
namespace {

/// The value of one time series in the text format.
double value_of(const Metrics& metrics, const std::string& series) {
  std::istringstream text(metrics.text());
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(series + ' ')) return std::stod(line.substr(series.size() + 1));
  }
  ADD_FAILURE() << "no " << series;
  return -1;
}

std::string series_list(const Metrics& metrics) {
  std::vector<std::string> lines;
  std::istringstream text(metrics.text());
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) lines.push_back(line.substr(7));
    const auto label = line.find('{');
    const bool bucket = line.find("_bucket{") != std::string::npos;
    if (!line.starts_with('#') && label != std::string::npos && !bucket) {
      lines.push_back(line.substr(0, line.find('}') + 1));
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string list;
  for (const auto& line : lines) list += line + '\n';
  return list;
}

std::string listed_in(const std::string& name) {
  std::ifstream file("tests/unit/ops/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Metrics, OfPixelBattleAreTheListedOnes) {
  CanvasMetrics metrics("1.0.0");
  metrics.route("GET /health").observe(200, 0.001);
  EXPECT_EQ(series_list(metrics), listed_in("metrics.txt"));
}

TEST(Metrics, OfTheCounterAreTheListedOnes) {
  CounterMetrics metrics("1.0.0");
  metrics.route("GET /health").observe(200, 0.001);
  EXPECT_EQ(series_list(metrics), listed_in("counter_metrics.txt"));
}

TEST(Metrics, CountersAndGaugesSayWhatTheyWereTold) {
  const CanvasMetrics metrics("1.0.0");
  metrics.bytes_sent.add(1500);
  metrics.bytes_sent.add();
  metrics.players_online.set(7);
  metrics.connections.with("websocket").add();
  metrics.connections.with("websocket").add(2);
  metrics.connections.with("websocket").subtract();
  EXPECT_EQ(value_of(metrics, "pixel_battle_bytes_sent_total"), 1501);
  EXPECT_EQ(value_of(metrics, "pixel_battle_players_online"), 7);
  EXPECT_EQ(value_of(metrics, R"(pixel_battle_connections{kind="websocket"})"), 2);
  EXPECT_EQ(value_of(metrics, R"(pixel_battle_connections{kind="http"})"), 0);
}

TEST(Metrics, AHistogramCountsUpToEachBound) {
  const CanvasMetrics metrics("1.0.0");
  metrics.commit_seconds.observe(0.0002);
  metrics.commit_seconds.observe(0.002);
  metrics.commit_seconds.observe(60);
  EXPECT_EQ(value_of(metrics, R"(pixel_battle_commit_seconds_bucket{le="0.00025"})"), 1);
  EXPECT_EQ(value_of(metrics, R"(pixel_battle_commit_seconds_bucket{le="2.5"})"), 2);
  EXPECT_EQ(value_of(metrics, R"(pixel_battle_commit_seconds_bucket{le="+Inf"})"), 3);
  EXPECT_NEAR(value_of(metrics, "pixel_battle_commit_seconds_sum"), 60.0022, 1e-9);
}

TEST(Metrics, LargePositionsKeepTheirDigits) {
  const CanvasMetrics metrics("1.0.0");
  metrics.journal_offset.set(123'456'789'012.0);
  EXPECT_EQ(value_of(metrics, "pixel_battle_journal_offset"), 123'456'789'012.0);
}

TEST(RouteMetrics, CountByRouteAndStatus) {
  CanvasMetrics metrics("1.0.0");
  const auto route = metrics.route("GET /api/canvas");
  route.observe(200, 0.002);
  route.observe(200, 0.002);
  metrics.route("GET /api/canvas").observe(304, 0.002);
  const std::string requests = "pixel_battle_http_requests_total{route=\"GET /api/canvas\",";
  EXPECT_EQ(value_of(metrics, requests + "status=\"200\"}"), 2);
  EXPECT_EQ(value_of(metrics, requests + "status=\"304\"}"), 1);
  EXPECT_EQ(
      value_of(metrics, R"(pixel_battle_http_request_seconds_count{route="GET /api/canvas"})"), 3);
}

TEST(RouteMetrics, LoseNothingWhenThreadsCountTogether) {
  CanvasMetrics metrics("1.0.0");
  constexpr int kEach = 10'000;
  const auto count = [&metrics] {
    const auto route = metrics.route("GET /");
    for (int i = 0; i < kEach; ++i) route.observe(200 + i % 3, 0.001);
  };
  std::thread first(count);
  std::thread second(count);
  first.join();
  second.join();
  EXPECT_EQ(value_of(metrics, R"(pixel_battle_http_request_seconds_count{route="GET /"})"),
            2 * kEach);
}

TEST(ProcessMetrics, DescribeThisProcess) {
  const CanvasMetrics metrics("1.0.0");
  EXPECT_GT(value_of(metrics, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value_of(metrics, "process_cpu_seconds_total"), 0);
  EXPECT_GE(value_of(metrics, "process_open_fds"), 3);
  EXPECT_GT(value_of(metrics, "process_start_time_seconds"), 1.6e9);
  const auto before = value_of(metrics, "process_open_fds");
  const std::ifstream file("/proc/self/stat");
  EXPECT_EQ(value_of(metrics, "process_open_fds"), before + 1);
}

}  // namespace
}  // namespace ops
