// What pixel-battle does besides serving: migrate, verify, restore.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ops/config.hpp"

namespace pixel_battle {

/// The words before the first flag are a command: `migrate upgrade head`. Called by the name
/// `alembic`, the program takes the words of its command migrate. Empty: serve.
std::vector<std::string> command_words(int argc, const char* const* argv);

/// Runs a command and returns the exit status.
int run_command(std::span<const std::string> words, const ops::Config& config);

}  // namespace pixel_battle
