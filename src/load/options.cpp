#include "load/options.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"

namespace load {

namespace {

constexpr std::size_t kClientsMax = 1'000'000;
constexpr double kMax = 1e9;
constexpr double kDurationSMax = 30 * 86'400;

using Problem = std::optional<std::string>;  // what is expected instead

std::optional<double> parse_positive(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || !std::isfinite(value) || value <= 0 || value > kMax) return std::nullopt;
  return value;
}

Problem store_positive(double& to, std::string_view text) {
  const auto value = parse_positive(text);
  if (!value) return "a number above 0 is expected";
  to = *value;
  return std::nullopt;
}

template <class Number>
Problem store_count(Number& to, std::string_view text, std::size_t low) {
  const auto value = base::parse_number<std::size_t>(text);
  if (!value || *value < low || *value > kClientsMax) {
    return "a whole number from " + std::to_string(low) + " to " + std::to_string(kClientsMax) +
           " is expected";
  }
  to = *value;
  return std::nullopt;
}

/// 90, 90s, 5m or 1h.
Problem store_duration(double& to_s, std::string_view text) {
  double unit_s = 1;
  if (text.ends_with('h')) unit_s = 3600;
  if (text.ends_with('m')) unit_s = 60;
  if (text.find_last_of("smh") + 1 == text.size()) text.remove_suffix(1);
  const auto value = parse_positive(text);
  if (!value || *value * unit_s > kDurationSMax) {
    return "a time like 30s, 5m or 1h is expected, 30 days at most";
  }
  to_s = *value * unit_s;
  return std::nullopt;
}

Problem store_file(std::string& to, std::string_view text) {
  if (text.empty()) return "the path of a file is expected";
  to = text;
  return std::nullopt;
}

struct Flag {
  std::string_view name;
  std::string_view value;
  std::string_view meaning;
  Problem (*store)(Options&, std::string_view);
};

constexpr std::array kFlags = {
    Flag{"--host", "URL", "where the canvas answers (default http://localhost:8000)",
         [](Options& o, std::string_view text) -> Problem {
           auto url = parse_url(text);
           if (!url) return url.error().message;
           o.host = std::move(url).value();
           return std::nullopt;
         }},
    Flag{"--clients", "N", "WebSockets to hold, painters included (default 500)",
         [](Options& o, std::string_view text) { return store_count(o.clients, text, 1); }},
    Flag{"--painters", "N", "of them place pixels, each as a guest of its own (default 50)",
         [](Options& o, std::string_view text) { return store_count(o.painters, text, 0); }},
    Flag{"--rate", "N", "placements a second of all painters (default: as the rules allow)",
         [](Options& o, std::string_view text) { return store_positive(o.rate, text); }},
    Flag{"--ramp", "N", "clients to add a second (default 100)",
         [](Options& o, std::string_view text) { return store_positive(o.ramp, text); }},
    Flag{"--duration", "TIME", "how long to go on once all are live: 30s, 5m, 1h (default 60s)",
         [](Options& o, std::string_view text) { return store_duration(o.duration_s, text); }},
    Flag{"--max-p99-ms", "N", "fail if more than 1 of 100 acknowledgements takes longer",
         [](Options& o, std::string_view text) {
           return store_positive(o.p99_ms_max.emplace(), text);
         }},
    Flag{"--max-seen-p99-ms", "N", "the same from sending a pixel until a client sees it",
         [](Options& o, std::string_view text) {
           return store_positive(o.seen_p99_ms_max.emplace(), text);
         }},
    Flag{"--max-errors", "N", "fail if there are more refusals and other errors (default 0)",
         [](Options& o, std::string_view text) { return store_count(o.errors_max, text, 0); }},
    Flag{"--max-reconnects", "N", "fail if more connections end (default: any number may)",
         [](Options& o, std::string_view text) {
           return store_count(o.reconnects_max.emplace(), text, 0);
         }},
    Flag{"--json", "FILE", "write what the run was like, as `locust --record` does",
         [](Options& o, std::string_view text) { return store_file(o.json, text); }},
    Flag{"--html", "FILE", "write the same as a page with tables and plots",
         [](Options& o, std::string_view text) { return store_file(o.html, text); }},
};

/// Between the flags.
base::Result<Options> complete(Options options, bool painters_given) {
  if (!painters_given) options.painters = std::min(options.painters, options.clients);
  if (options.painters > options.clients) {
    return base::Error{"--painters: at most as many as --clients (" +
                       std::to_string(options.clients) + ")"};
  }
  return options;
}

}  // namespace

base::Result<Options> read_options(std::span<const std::string> words) {
  Options options;
  bool painters_given = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") {
      options.help = true;
      return options;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto* const flag = std::ranges::find(kFlags, name, &Flag::name);
    if (flag == kFlags.end()) {
      return base::Error{std::string(name) + ": no such option; see loadtest --help"};
    }
    if (equals == std::string_view::npos && i + 1 == words.size()) {
      return base::Error{std::string(name) + ": a value is missing"};
    }
    const auto value =
        equals == std::string_view::npos ? std::string_view(words[++i]) : word.substr(equals + 1);
    if (const auto problem = flag->store(options, value)) {
      return base::Error{std::string(name) + ": " + *problem};
    }
    painters_given = painters_given || name == "--painters";
  }
  return complete(std::move(options), painters_given);
}

std::string options_help() {
  constexpr std::size_t kColumn = 24;
  std::string text;
  for (const auto& flag : kFlags) {
    auto line = "  " + std::string(flag.name) + " " + std::string(flag.value);
    line.resize(std::max(line.size() + 1, kColumn), ' ');
    text += line + std::string(flag.meaning) + "\n";
  }
  return text;
}

}  // namespace load
