// The command loadtest: puts load on a canvas that answers somewhere and checks all of it.
#pragma once

#include <span>
#include <string>

namespace pixel_battle {

/// Runs the command with what follows its name, and returns the exit status.
int loadtest(std::span<const std::string> words);

}  // namespace pixel_battle
