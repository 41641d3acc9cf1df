#include "load/report.hpp"

namespace load {

namespace {

// Where loadtest/report.py puts the runs, too.
constexpr std::string_view kPlace = "\"RUNS\"";

}  // namespace

std::string report_page(std::string_view run_json) {
  std::string page(kReportPage);
  std::string runs = "[";
  for (const char c : run_json) {
    if (c == '<') {
      runs += "\\u003c";  // nothing in it may end the element that holds it
    } else {
      runs += c;
    }
  }
  runs += ']';
  return page.replace(page.find(kPlace), kPlace.size(), runs);
}

}  // namespace load
