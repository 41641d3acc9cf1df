// The record of a run, and the page that is made of it.
#include "load/record.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "load/report.hpp"

namespace load {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(LoadRecord, IsToldSecondBySecond) {
  Record record(0);
  record.answer("WS", "place", 10 * base::kMsNs);
  record.failure("WS", "place", 30 * base::kMsNs, "refused: busy");
  record.turn(base::kSecondNs, 5);
  record.wait_asked();
  record.end(3 * base::kSecondNs + base::kMsNs, 4);
  record.answer("WS", "place", 20 * base::kMsNs);  // in the end: in the rows, but in no second
  record.turn(9 * base::kSecondNs, 4);
  const auto json = record.json({.host = "http://h",
                                 .users = 5,
                                 .verdict = {true, {"fine"}},
                                 .thresholds = {{"errors", 1, 0}},
                                 .facts = {{"frames", 7}}});
  EXPECT_TRUE(has(json, R"("seconds":[{"second":0,"users":5,"requests":2,"failures":1,"limited":0,)"
                        R"("p50_ms":1.)"))
      << json;
  EXPECT_TRUE(has(json, R"({"second":1,"users":4,"requests":0,"failures":0,"limited":1,)"
                        R"("p50_ms":null)"))
      << json;
  EXPECT_FALSE(has(json, R"("second":3)")) << json;
  EXPECT_TRUE(has(json, R"("errors":[{"kind":"WS","name":"place","what":"refused: busy",)"
                        R"("count":1}])"))
      << json;
  EXPECT_TRUE(has(json, R"("verdict":{"holds":true,"lines":["fine"]})")) << json;
  EXPECT_TRUE(has(json, R"("name":"errors")")) << json;
  EXPECT_TRUE(has(json, R"("limited":1)")) << json;
}

TEST(LoadRecord, KeepsRowsThatAreCountedElsewhereOutOfTheTotals) {
  Record record(0);
  record.answer("WS", "place", base::kMsNs);
  record.beside("WS", "seen").add(base::kMsNs);
  static_cast<void>(record.beside("WS", "never"));
  record.end(base::kSecondNs, 1);
  const auto json = record.json({});
  EXPECT_TRUE(has(json, R"("requests":1,"requests_per_s":1)")) << json;
  EXPECT_TRUE(has(json, R"("beside":[{"kind":"WS","name":"seen")")) << json;
  EXPECT_FALSE(has(json, "never")) << json;
  EXPECT_EQ(record.row("WS", "seen")->count(), 1);
  EXPECT_EQ(record.row("WS", "missing"), nullptr);
}

TEST(LoadReport, HoldsTheRunAndNothingThatEndsIt) {
  const auto page = report_page(R"({"name":"</script><b>"})");
  EXPECT_TRUE(has(page, R"(id="runs">[{"name":"\u003c/script>\u003cb>"}]</script>)"));
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_FALSE(has(page, "\"RUNS\""));
}

}  // namespace
}  // namespace load
