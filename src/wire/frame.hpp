// WebSocket frames as the server writes them (RFC 6455, section 5.2): unmasked, unfragmented, so a
// frame is the same for every client and can be encoded once and shared.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "wire/protocol.hpp"

namespace wire {

/// Bytes that many connections send; immutable.
using SharedBytes = std::shared_ptr<const std::string>;

enum class Opcode : std::uint8_t { binary = 0x2, close = 0x8, ping = 0x9 };

/// Header and payload in one string.
std::string frame(Opcode opcode, std::string_view payload);
inline std::string frame(std::string_view message) { return frame(Opcode::binary, message); }
inline SharedBytes shared_frame(std::string_view message) {
  return std::make_shared<const std::string>(frame(message));
}

std::string close_frame(CloseCode code);

}  // namespace wire
