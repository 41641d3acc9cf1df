// What a load test is asked to do: the flags of `pixel-battle loadtest`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "load/address.hpp"

namespace load {

struct Options {
  Url host{.host = "localhost", .port = 8000, .authority = "localhost:8000"};
  std::size_t clients = 500;
  std::size_t painters = 50;
  double rate = 0;  // placements a second of all painters; 0: as the rules allow
  double ramp = 100;
  double duration_s = 60;
  std::optional<double> p99_ms_max;
  std::optional<double> seen_p99_ms_max;
  std::uint64_t errors_max = 0;
  std::optional<std::uint64_t> reconnects_max;
  std::string json;  // files; empty: none
  std::string html;
  bool help = false;
};

/// `--name value` or `--name=value`. An error is one line that names the flag.
base::Result<Options> read_options(std::span<const std::string> words);

std::string options_help();

}  // namespace load
