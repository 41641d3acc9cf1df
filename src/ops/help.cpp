// The texts of --help, which is the table of options in columns, and --version.
#include <algorithm>
#include <array>

#include "ops/options.hpp"

namespace ops {

namespace {

/// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

using Row = std::array<std::string, 4>;

constexpr std::string_view kPixelBattleUsage =
    ": a shared canvas, pixel by pixel\n\n"
    "Usage: pixel-battle [--name value …]\n"
    "       pixel-battle migrate upgrade head | downgrade -1 | current | history\n"
    "       pixel-battle verify | restore\n"
    "       pixel-battle rules [cooldown_ms=3000] [charges_max=5] [frozen=yes|no]\n"
    "       pixel-battle ban PERSON | unban PERSON | bans\n"
    "       pixel-battle loadtest [--help]\n\n";

constexpr std::string_view kCounterUsage =
    ": one number, pressed by everybody\n\n"
    "Usage: counter-app [--name value …]\n\n";

}  // namespace

std::string version_text(Program program) {
  return std::string(name_of(program)).append(" ").append(kVersion);
}

std::string help_text(Program program) {
  std::vector<Row> rows{{"name", "default", "range", "meaning"}};
  for (const auto& option : options(program)) {
    rows.push_back({option.name, option.standard, option.range, option.meaning});
  }
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  }

  std::string text = version_text(program);
  text += program == Program::counter ? kCounterUsage : kPixelBattleUsage;
  text +=
      "Every option is an environment variable, or the flag of the same meaning (LOG_LEVEL is\n"
      "--log-level); the flag wins. A secret can also come from a file: NAME_FILE or "
      "--name-file\n"
      "holds its path. --version prints the version.\n\n";
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += ' ' + row[i];
      if (i < widths.size()) line.append(widths[i] - columns(row[i]) + 1, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  text.pop_back();
  return text;
}

}  // namespace ops
