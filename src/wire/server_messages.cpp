// Codec of what the server sends.
#include <algorithm>

#include "base/bytes.hpp"
#include "wire/protocol.hpp"

namespace wire {

namespace {

constexpr std::uint8_t kFlagFrozen = 1;
constexpr std::uint8_t kFlagGuests = 2;
constexpr std::uint8_t kFlagTelegram = 4;

std::string begin(Type type) { return std::string(1, static_cast<char>(type)); }

void put_position(std::string& out, const canvas::Position& position) {
  base::put(out, position.epoch);
  base::put(out, position.offset);
}

canvas::Position get_position(base::ByteReader& in) {
  const auto epoch = in.get<std::uint64_t>();
  return {epoch, in.get<std::uint64_t>()};
}

std::uint16_t saturated_u16(std::uint32_t value) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(value, UINT16_MAX));
}

std::optional<ServerMessage> read_welcome(base::ByteReader& in) {
  Welcome m;
  m.version = in.get<std::uint8_t>();
  m.width = in.get<std::uint16_t>();
  m.height = in.get<std::uint16_t>();
  const auto color_bits = in.get<std::uint8_t>();
  const auto colors = in.get<std::uint8_t>();
  for (unsigned i = 0; in.ok() && i < colors; ++i) {
    const auto red = in.get<std::uint8_t>();
    const auto green = in.get<std::uint8_t>();
    m.palette.push_back({red, green, in.get<std::uint8_t>()});
  }
  m.cooldown_ms = in.get<std::uint32_t>();
  m.charges_max = in.get<std::uint16_t>();
  const auto flags = in.get<std::uint8_t>();
  m.frozen = (flags & kFlagFrozen) != 0;
  m.guests = (flags & kFlagGuests) != 0;
  m.telegram = (flags & kFlagTelegram) != 0;
  m.position = get_position(in);
  m.digest = in.get<std::uint64_t>();
  m.time_ms = in.get<std::uint64_t>();
  if (colors < 2 || color_bits != canvas::color_bits(colors)) return std::nullopt;
  m.served_by = in.take_rest();
  return m;
}

std::optional<ServerMessage> read_delta(base::ByteReader& in, unsigned color_bits) {
  Delta m;
  m.base = in.get<std::uint64_t>();
  m.advance = in.get<std::uint32_t>();
  m.digest = in.get<std::uint64_t>();
  std::uint64_t next = 0;  // the lowest index that may follow
  while (in.ok() && !in.at_end()) {
    const auto value = in.get_varint();
    const std::uint64_t index = next + (value >> color_bits);
    if (index > UINT32_MAX) return std::nullopt;
    m.pixels.push_back({static_cast<std::uint32_t>(index),
                        static_cast<std::uint8_t>(value & ((1U << color_bits) - 1))});
    next = index + 1;
  }
  return m;
}

ServerMessage read_answer(base::ByteReader& in, Type type) {
  if (type == Type::accepted) {
    AcceptedMessage m;
    m.sequence = in.get<std::uint32_t>();
    m.offset = in.get<std::uint64_t>();
    m.charges = in.get<std::uint16_t>();
    m.next_charge_ms = in.get<std::uint32_t>();
    return m;
  }
  RefusedMessage m;
  m.sequence = in.get<std::uint32_t>();
  m.reason = canvas::Refusal{in.get<std::uint8_t>()};
  m.wait_ms = in.get<std::uint32_t>();
  m.charges = in.get<std::uint16_t>();
  return m;
}

ServerMessage read_signed_in(base::ByteReader& in) {
  SignedIn m;
  m.person = base::PersonId{in.get<std::int64_t>()};
  m.charges = in.get<std::uint16_t>();
  m.next_charge_ms = in.get<std::uint32_t>();
  m.name = in.take_rest();
  return m;
}

ServerMessage read_notice(base::ByteReader& in) {
  Notice m;
  m.kind = NoticeKind{in.get<std::uint8_t>()};
  m.value = in.get<std::uint32_t>();
  m.text = in.take_rest();
  return m;
}

}  // namespace

std::string encode(const Welcome& m) {
  std::string out = begin(Type::welcome);
  base::put(out, m.version);
  base::put(out, m.width);
  base::put(out, m.height);
  base::put(out, static_cast<std::uint8_t>(canvas::color_bits(m.palette.size())));
  base::put(out, static_cast<std::uint8_t>(m.palette.size()));
  for (const auto& color : m.palette) {
    base::put(out, color.red);
    base::put(out, color.green);
    base::put(out, color.blue);
  }
  base::put(out, m.cooldown_ms);
  base::put(out, m.charges_max);
  base::put(out,
            static_cast<std::uint8_t>((m.frozen ? kFlagFrozen : 0) | (m.guests ? kFlagGuests : 0) |
                                      (m.telegram ? kFlagTelegram : 0)));
  put_position(out, m.position);
  base::put(out, m.digest);
  base::put(out, m.time_ms);
  return out + m.served_by;
}

std::string encode(const SnapshotNeeded& m) {
  std::string out = begin(Type::snapshot_needed);
  base::put(out, m.why);
  put_position(out, m.position);
  return out;
}

std::string encode(const Delta& m, unsigned color_bits) {
  std::string out = begin(Type::delta);
  out.reserve(24 + m.pixels.size() * 4);
  base::put(out, m.base);
  base::put(out, m.advance);
  base::put(out, m.digest);
  std::uint32_t next = 0;
  for (const auto& pixel : m.pixels) {
    base::put_varint(out, (pixel.index - next) << color_bits | pixel.color);
    next = pixel.index + 1;
  }
  return out;
}

std::string encode(const AcceptedMessage& m) {
  std::string out = begin(Type::accepted);
  base::put(out, m.sequence);
  base::put(out, m.offset);
  base::put(out, m.charges);
  base::put(out, m.next_charge_ms);
  return out;
}

std::string encode(const RefusedMessage& m) {
  std::string out = begin(Type::refused);
  base::put(out, m.sequence);
  base::put(out, m.reason);
  base::put(out, m.wait_ms);
  base::put(out, m.charges);
  return out;
}

std::string encode(const Presence& m) {
  std::string out = begin(Type::presence);
  base::put(out, m.online);
  return out;
}

std::string encode(const Notice& m) {
  std::string out = begin(Type::notice);
  base::put(out, m.kind);
  base::put(out, m.value);
  return out + m.text;
}

std::string encode(const SignedIn& m) {
  std::string out = begin(Type::signed_in);
  base::put(out, m.person);
  base::put(out, m.charges);
  base::put(out, m.next_charge_ms);
  return out + m.name;
}

std::string encode(const SignInRefused& m) {
  std::string out = begin(Type::sign_in_refused);
  base::put(out, m.reason);
  return out;
}

std::string encode(const Pong& m) {
  std::string out = begin(Type::pong);
  base::put(out, m.nonce);
  base::put(out, m.time_ms);
  return out;
}

std::string encode_answer(std::uint32_t sequence, const canvas::Answer& answer) {
  if (const auto* accepted = std::get_if<canvas::Accepted>(&answer)) {
    return encode(AcceptedMessage{sequence, accepted->position.offset,
                                  saturated_u16(accepted->charges.left),
                                  accepted->charges.next_charge_ms});
  }
  const auto& refused = std::get<canvas::Refused>(answer);
  return encode(RefusedMessage{sequence, refused.reason, refused.wait_ms,
                               saturated_u16(refused.charges.left)});
}

std::optional<ServerMessage> decode_server(std::string_view message, unsigned color_bits) {
  base::ByteReader in(message);
  std::optional<ServerMessage> decoded;
  switch (const Type type{in.get<std::uint8_t>()}; type) {
    case Type::welcome:
      decoded = read_welcome(in);
      break;
    case Type::snapshot_needed: {
      const auto why = SnapshotReason{in.get<std::uint8_t>()};
      decoded = SnapshotNeeded{why, get_position(in)};
      break;
    }
    case Type::delta:
      decoded = read_delta(in, color_bits);
      break;
    case Type::accepted:
    case Type::refused:
      decoded = read_answer(in, type);
      break;
    case Type::presence:
      decoded = Presence{in.get<std::uint32_t>()};
      break;
    case Type::notice:
      decoded = read_notice(in);
      break;
    case Type::signed_in:
      decoded = read_signed_in(in);
      break;
    case Type::sign_in_refused:
      decoded = SignInRefused{SignInReason{in.get<std::uint8_t>()}};
      break;
    case Type::pong: {
      const auto nonce = in.get<std::uint32_t>();
      decoded = Pong{nonce, in.get<std::uint64_t>()};
      break;
    }
    default:
      break;
  }
  return in.complete() ? decoded : std::nullopt;
}

}  // namespace wire
