// The HTTP interface of docs/counter.md as a route table.
#pragma once

#include <vector>

#include "ledger/ledger.hpp"
#include "ops/metrics.hpp"
#include "service/live_counters.hpp"
#include "service/router.hpp"

namespace service {

/// All arguments outlive the table, which is to be made once.
std::vector<Route> counter_routes(ledger::Ledger& ledger, LiveCounters& counters,
                                  const ops::CounterMetrics& metrics);

}  // namespace service
