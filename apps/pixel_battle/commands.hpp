// What pixel-battle does besides serving: migrate, verify, restore, and turning the knobs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/config.hpp"

namespace pixel_battle {

/// Whether an argument is a word of a command and no flag: -1 and a guest's number are words.
bool is_word(std::string_view argument);

/// The words before the first flag are a command: `migrate upgrade head`. Called by the name
/// `alembic`, the program takes the words of its command migrate. Empty: serve.
std::vector<std::string> command_words(int argc, const char* const* argv);

/// Runs a command and returns the exit status.
int run_command(std::span<const std::string> words, const ops::Config& config);

}  // namespace pixel_battle
