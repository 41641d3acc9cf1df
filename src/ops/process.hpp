// What the kernel knows about this process, for GET /metrics.
#pragma once

#include <string>

namespace ops {

/// process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_max_fds and
/// process_start_time_seconds in Prometheus' text format, read anew. What cannot be read is left
/// out.
std::string process_metrics();

}  // namespace ops
