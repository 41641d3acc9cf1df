// The Redis Function library, src/journal/redis/pixel_battle.lua, as part of the binary.
#pragma once

#include <string_view>

namespace journal {

/// What it registers itself as: the version is part of the name, so that two releases can run side
/// by side. Its functions begin with `pb1_`.
inline constexpr std::string_view kLibraryName = "pixel_battle_v1";

/// The whole text, for FUNCTION LOAD REPLACE.
extern const std::string_view kLibraryText;

}  // namespace journal
