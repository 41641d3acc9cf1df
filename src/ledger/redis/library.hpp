// The Redis Function library counter.lua, part of the binary.
#pragma once

#include <string_view>

namespace ledger {

extern const std::string_view kLibraryText;

}  // namespace ledger
