// The page of a report, loadtest/report.html, as part of the binary.
#pragma once

#include <string>
#include <string_view>

namespace load {

extern const std::string_view kReportPage;

/// The page with the JSON objects of one run in it.
std::string report_page(std::string_view run_json);

}  // namespace load
