// The running digest of the journal, as docs/protocol.md specifies it.
#pragma once

#include <cstdint>
#include <string>

#include "canvas/operation.hpp"

namespace canvas {

inline constexpr std::size_t kEntryBytes = 29;

/// The canonical 29 bytes of an entry (its digest is not among them).
std::string entry_bytes(const Entry& entry);

/// digest(n) from digest(n-1) and entry n.
std::uint64_t next_digest(std::uint64_t previous, const Entry& entry);

}  // namespace canvas
