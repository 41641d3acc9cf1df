// The messages of docs/protocol.md as types, with their codecs. The page is the specification;
// tests/vectors/protocol.json holds the vectors that this codec and the others must pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "canvas/operation.hpp"
#include "canvas/palette.hpp"

namespace wire {

inline constexpr std::uint8_t kVersion = 1;

enum class Type : std::uint8_t {
  hello = 0x01,
  resume = 0x02,
  sign_in = 0x03,
  place = 0x04,
  ping = 0x05,
  welcome = 0x81,
  snapshot_needed = 0x82,
  delta = 0x83,
  accepted = 0x84,
  refused = 0x85,
  presence = 0x86,
  notice = 0x87,
  signed_in = 0x88,
  sign_in_refused = 0x89,
  pong = 0x8A,
};

/// Those that we send; Beast sends 1002, 1007 and 1009 by itself.
enum class CloseCode : std::uint16_t {
  not_binary = 1003,
  limit = 1008,
  internal = 1011,
  restart = 1012,
  no_hello = 4000,
  malformed = 4001,
  version = 4004,
};

// --- From client to server. Views point into the decoded message. -----------------------------

struct Hello {
  std::uint8_t version = kVersion;
};
struct Resume {
  canvas::Position position;
  std::uint64_t digest = 0;
};
struct SignIn {
  base::ProducerId producer{};
  std::string_view token;
};
struct Place {
  std::uint32_t sequence = 0;
  std::uint16_t x = 0;
  std::uint16_t y = 0;
  std::uint8_t color = 0;
};
struct Ping {
  std::uint32_t nonce = 0;
};
using ClientMessage = std::variant<Hello, Resume, SignIn, Place, Ping>;

/// nullopt: the message is malformed or of no known type.
std::optional<ClientMessage> decode_client(std::string_view message);
std::string encode(const ClientMessage& message);

// --- From server to client --------------------------------------------------------------------

struct Welcome {
  std::uint8_t version = kVersion;
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  std::vector<canvas::Color> palette;  // 2 to 255 colours
  std::uint32_t cooldown_ms = 0;
  std::uint16_t charges_max = 0;
  bool frozen = false;
  bool guests = false;
  bool telegram = false;
  canvas::Position position;
  std::uint64_t digest = 0;
  std::uint64_t time_ms = 0;
  std::string served_by;
};

enum class SnapshotReason : std::uint8_t { other_epoch = 1, too_old = 2, digest = 3, ahead = 4 };
struct SnapshotNeeded {
  SnapshotReason why{};
  canvas::Position position;
};

struct Delta {
  std::uint64_t base = 0;
  std::uint32_t advance = 0;
  std::uint64_t digest = 0;                 // at base + advance
  std::vector<canvas::PixelChange> pixels;  // ascending by index, each index once
};

struct AcceptedMessage {
  std::uint32_t sequence = 0;
  std::uint64_t offset = 0;
  std::uint16_t charges = 0;
  std::uint32_t next_charge_ms = 0;
};
struct RefusedMessage {
  std::uint32_t sequence = 0;
  canvas::Refusal reason{};
  std::uint32_t wait_ms = 0;
  std::uint16_t charges = 0;
};
struct Presence {
  std::uint32_t online = 0;
};
enum class NoticeKind : std::uint8_t { draining = 1, frozen = 2, message = 3, cooldown = 4 };
struct Notice {
  NoticeKind kind{};
  std::uint32_t value = 0;
  std::string text;
};
struct SignedIn {
  base::PersonId person{};
  std::uint16_t charges = 0;
  std::uint32_t next_charge_ms = 0;
  std::string name;
};
enum class SignInReason : std::uint8_t { invalid = 1, expired = 2 };
struct SignInRefused {
  SignInReason reason{};
};
struct Pong {
  std::uint32_t nonce = 0;
  std::uint64_t time_ms = 0;
};

std::string encode(const Welcome& message);
std::string encode(const SnapshotNeeded& message);
std::string encode(const AcceptedMessage& message);
std::string encode(const RefusedMessage& message);
std::string encode(const Presence& message);
std::string encode(const Notice& message);
std::string encode(const SignedIn& message);
std::string encode(const SignInRefused& message);
std::string encode(const Pong& message);
/// `color_bits` as announced in welcome.
std::string encode(const Delta& message, unsigned color_bits);

using ServerMessage = std::variant<Welcome, SnapshotNeeded, Delta, AcceptedMessage, RefusedMessage,
                                   Presence, Notice, SignedIn, SignInRefused, Pong>;

/// What load generators and tests read. nullopt: malformed.
std::optional<ServerMessage> decode_server(std::string_view message, unsigned color_bits);

/// The answer to a placement as its message.
std::string encode_answer(std::uint32_t sequence, const canvas::Answer& answer);

}  // namespace wire
