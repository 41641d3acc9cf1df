// Options, counters and reports of the benchmark programs.
#include "bench/support.hpp"

#include <sched.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <utility>

#include "base/text.hpp"

namespace bench {

namespace {

[[noreturn]] void usage(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

}  // namespace

Options::Options(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto equals = argument.find('=');
    if (!argument.starts_with("--") || equals == std::string_view::npos) {
      usage("options look like --name=value, not " + std::string(argument));
    }
    values_[std::string(argument.substr(2, equals - 2))] = argument.substr(equals + 1);
  }
}

std::string Options::text(const std::string& name, const std::string& otherwise) {
  auto node = values_.extract(name);
  return node ? std::move(node.mapped()) : otherwise;
}

std::int64_t Options::number(const std::string& name, std::int64_t otherwise) {
  const auto given = text(name, "");
  if (given.empty()) return otherwise;
  const auto value = base::parse_number<std::int64_t>(given);
  if (!value) usage("--" + name + " must be a whole number");
  return *value;
}

std::vector<std::uint16_t> Options::ports() {
  std::vector<std::uint16_t> ports;
  std::istringstream list(text("port", "8000"));
  for (std::string word; std::getline(list, word, ',');) {
    const auto port = base::parse_number<std::uint16_t>(word);
    if (!port) usage("--port must be a port, or several with commas between them");
    ports.push_back(*port);
  }
  return ports;
}

void Options::finish() const {
  if (!values_.empty()) usage("no such option: --" + values_.begin()->first);
}

Report& Report::add(std::string_view name, double value) {
  char number[64];
  std::snprintf(number, sizeof number, "%.9g", std::isfinite(value) ? value : 0.0);
  members_ += members_.empty() ? "\"" : ", \"";
  members_ += name;
  members_ += "\": ";
  members_ += number;
  return *this;
}

Report& Report::add(std::string_view name, std::string_view value) {
  members_ += members_.empty() ? "\"" : ", \"";
  members_ += name;
  members_ += "\": \"";
  members_ += value;
  members_ += '"';
  return *this;
}

void Report::print() const {
  std::printf("{%s}\n", members_.c_str());
  std::fflush(stdout);
}

void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

std::int64_t process_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void pin_to_core(int core) {
  if (core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("cannot pin to the core asked for");
}

double quantile(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  const auto rank = std::ceil(fraction * static_cast<double>(sorted.size()));
  const auto index = rank < 1 ? std::size_t{0} : static_cast<std::size_t>(rank) - 1;
  return sorted[index < sorted.size() ? index : sorted.size() - 1];
}

std::uint64_t Random::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t value = state_;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

}  // namespace bench
