#include "ops/process.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"

namespace ops {

namespace {

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::optional<std::int64_t> word_as_number(const std::string& text, std::size_t at) {
  const auto all = words(text);
  return at < all.size() ? base::parse_number<std::int64_t>(all[at]) : std::nullopt;
}

std::optional<double> resident_bytes() {
  const auto pages = word_as_number(read_file("/proc/self/statm"), 1);
  if (!pages) return std::nullopt;
  return static_cast<double>(*pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::optional<double> cpu_seconds() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Linux 6.2 and later tells the number as the folder's size; listing thousands of files takes
/// milliseconds on a thread that serves players.
std::optional<double> open_files() {
  struct stat folder_stat {};
  if (::stat("/proc/self/fd", &folder_stat) == 0 && folder_stat.st_size > 0) {
    return static_cast<double>(folder_stat.st_size);
  }
  std::error_code error;
  const std::filesystem::directory_iterator folder("/proc/self/fd", error);
  if (error) return std::nullopt;
  // The one that reads the folder is not counted.
  return static_cast<double>(std::distance(begin(folder), end(folder)) - 1);
}

std::optional<double> files_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

/// Boot time plus the process's start after boot, as proc(5) has them.
std::optional<double> start_seconds() {
  const auto stat = read_file("/proc/self/stat");
  const auto name_end = stat.rfind(')');  // the command's name may hold spaces
  if (name_end == std::string::npos) return std::nullopt;
  constexpr std::size_t kStartTimeAfterName = 19;
  const auto ticks = word_as_number(stat.substr(name_end + 1), kStartTimeAfterName);

  const auto system = words(read_file("/proc/stat"));
  const auto label = std::find(system.begin(), system.end(), "btime");
  if (!ticks || label == system.end() || std::next(label) == system.end()) return std::nullopt;
  const auto boot = base::parse_number<std::int64_t>(*std::next(label));
  if (!boot) return std::nullopt;
  return static_cast<double>(*boot) +
         static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void append(std::string& text, std::string_view name, std::string_view type, std::string_view help,
            std::optional<double> value) {
  if (!value) return;
  std::ostringstream line;
  line.precision(17);
  line << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n'
       << name << ' ' << *value << '\n';
  text += line.str();
}

}  // namespace

std::string process_metrics() {
  std::string text;
  append(text, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  append(text, "process_cpu_seconds_total", "counter", "User and system time.", cpu_seconds());
  append(text, "process_open_fds", "gauge", "Open file descriptors.", open_files());
  append(text, "process_max_fds", "gauge", "Most file descriptors allowed.", files_max());
  append(text, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.",
         start_seconds());
  return text;
}

}  // namespace ops
