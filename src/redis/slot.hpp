// Which of a cluster's 16384 slots a key lives in.
#pragma once

#include <cstdint>
#include <string_view>

namespace redis {

/// CRC-16/XMODEM of the key's hash tag, the part between its first { and the next }, or of the
/// whole key if there is none or it is empty; modulo 16384.
std::uint16_t slot_of(std::string_view key);

}  // namespace redis
