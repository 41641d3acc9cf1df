// The commands by which an operator turns the knobs of a canvas while people draw: rules, ban,
// unban, bans.
#pragma once

#include <span>
#include <string>

#include "ops/config.hpp"

namespace pixel_battle {

/// Whether the command is one of these.
bool is_knob(const std::string& command);

/// Runs the command and returns the exit status: 2 for words that mean nothing, which change
/// nothing.
int turn_knob(std::span<const std::string> words, const ops::Config& config);

}  // namespace pixel_battle
