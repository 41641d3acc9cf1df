#include "wire/frame.hpp"

namespace wire {

namespace {

void put_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

std::string frame(Opcode opcode, std::string_view payload) {
  constexpr unsigned kFinal = 0x80;
  std::string out;
  out.reserve(payload.size() + 10);
  out.push_back(static_cast<char>(kFinal | static_cast<unsigned>(opcode)));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else if (payload.size() <= UINT16_MAX) {
    out.push_back(126);
    put_big_endian(out, payload.size(), 2);
  } else {
    out.push_back(127);
    put_big_endian(out, payload.size(), 8);
  }
  return out.append(payload);
}

std::string close_frame(CloseCode code) {
  std::string payload;
  put_big_endian(payload, static_cast<std::uint16_t>(code), 2);
  return frame(Opcode::close, payload);
}

}  // namespace wire
