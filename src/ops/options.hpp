// The table of options: what can be configured, with defaults, ranges and meanings. The same table
// as docs/configuration.md; a test compares them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/config.hpp"

namespace ops {

inline constexpr int kThreadsMax = 64;
inline constexpr std::size_t kReplicaNameMax = 64;

struct Option {
  std::string name;      // as in the environment: COOLDOWN_MS
  std::string standard;  // the default, for people
  std::string range;     // for people
  std::string meaning;
  /// Puts a value into the configuration, or says what is wrong with it, without repeating it.
  std::function<std::optional<std::string>(Config&, const std::string&)> store;
  bool secret = false;        // may come from NAME_FILE; never shown
  bool empty_counts = false;  // an empty environment variable is a value, not an absence
};

const std::vector<Option>& options(Program program);

/// --cooldown-ms for COOLDOWN_MS.
std::string flag_of(const Option& option);

/// A value in quotes, short and on one line, for an error message.
std::string shown(std::string_view value);

/// `pixel-battle 1.0.0`, and the table in columns; without a newline at the end.
std::string version_text(Program program);
std::string help_text(Program program);

}  // namespace ops
