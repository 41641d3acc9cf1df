#include "ops/log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <string>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/text.hpp"

namespace ops::log {

namespace {

constexpr std::size_t kEventColumns = 28;  // fields of short events begin below one another

// spdlog writes time and level; an event's line supplies the rest. Only the text format has a
// colour range (%^ … %$), used when standard error is a terminal.
constexpr const char* kTextPattern = "%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      break;
  }
  return spdlog::level::err;
}

struct Output {
  std::unique_ptr<spdlog::logger> logger;
  Format format = Format::text;
};

Output make_output(Level level, Format format) {
  auto logger = std::make_unique<spdlog::logger>(
      "pixel-battle", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(spdlog_level(level));
  const bool json = format == Format::json;
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      json ? kJsonPattern : kTextPattern,
      json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local));
  return {std::move(logger), format};
}

/// What has been set up, or readable text from `info` on before that.
Output& output() {
  static Output current = make_output(Level::info, Format::text);
  return current;
}

/// The well-formed UTF-8 character that `text` begins with; empty if it begins with none.
std::string_view first_character(std::string_view text) {
  for (std::size_t bytes = 1; bytes <= 4 && bytes <= text.size(); ++bytes) {
    if (base::is_valid_utf8(text.substr(0, bytes))) return text.substr(0, bytes);
  }
  return {};
}

/// A JSON string. Bytes that are no UTF-8 become U+FFFD, so that every line stays one valid line.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto character = first_character(text);
    const char c = text.front();
    if (character.empty()) {
      out += "\uFFFD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if ((c >= 0 && c < ' ') || c == 0x7F) {
      out += "\\u00" + base::to_hex(character);
    } else {
      out += character;
    }
    text.remove_prefix(std::max<std::size_t>(1, character.size()));
  }
  return out += '"';
}

std::string number_text(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

bool reads_without_quotes(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c != 0x7F && c != '"' && c != '\\' && c != '=';
  });
}

std::string value_text(const Field& field, Format format) {
  struct Writer {
    Format format;
    std::string operator()(const std::string& v) const {
      return format == Format::text && reads_without_quotes(v) ? v : in_quotes(v);
    }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return number_text(v); }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
  };
  return std::visit(Writer{format}, field.value);
}

std::string json_line(std::string_view event, Fields fields) {
  std::string line = "\"event\":" + in_quotes(event);
  for (const auto& field : fields) {
    line += ',' + in_quotes(field.key) + ':' + value_text(field, Format::json);
  }
  return line;
}

std::string text_line(std::string_view event, Fields fields) {
  std::string line(event);
  if (fields.size() > 0 && line.size() < kEventColumns) line.resize(kEventColumns, ' ');
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=' + value_text(field, Format::text);
  }
  return line;
}

void write(Level level, std::string_view event, Fields fields) {
  const auto& [logger, format] = output();
  if (!logger->should_log(spdlog_level(level))) return;
  logger->log(spdlog_level(level),
              format == Format::json ? json_line(event, fields) : text_line(event, fields));
}

}  // namespace

std::optional<Level> level_from(std::string_view name) {
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warning") return Level::warning;
  if (name == "error") return Level::error;
  return std::nullopt;
}

void set_up(Level level, Format format) { output() = make_output(level, format); }

void debug(std::string_view event, Fields fields) { write(Level::debug, event, fields); }
void info(std::string_view event, Fields fields) { write(Level::info, event, fields); }
void warning(std::string_view event, Fields fields) { write(Level::warning, event, fields); }
void error(std::string_view event, Fields fields) { write(Level::error, event, fields); }

}  // namespace ops::log
