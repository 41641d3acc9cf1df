// How the commands of pixel-battle say that something is wrong.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace pixel_battle {

/// Says it on standard error; the exit status that says the same.
inline int complain(std::string_view what, int status = EXIT_FAILURE) {
  std::cerr << "pixel-battle: " << what << "\n";
  return status;
}

}  // namespace pixel_battle
