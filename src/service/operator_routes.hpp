// The addresses that operators and their tools ask, the same for every program.
#pragma once

#include <string>
#include <vector>

#include "ops/metrics.hpp"
#include "ops/readiness.hpp"
#include "service/router.hpp"

namespace service {

/// `{"status":"ready","checks":{…}}`
std::string readiness_json(const ops::Readiness::Report& report);

/// /health, /health/ready and /metrics. All arguments outlive the table.
std::vector<Route> operator_routes(const ops::Readiness& readiness, const ops::Metrics& metrics);

}  // namespace service
