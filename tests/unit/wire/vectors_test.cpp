// The codec over the golden vectors: every message of docs/protocol.md, both ways.
#include <set>

#include "tests/unit/vectors.hpp"
#include "wire/protocol.hpp"

namespace wire {
namespace {

namespace json = boost::json;
using vectors::digest;
using vectors::number;

/// A small field by its width, as in u16(fields, "charges").
std::uint8_t u8(const json::object& f, const char* name) {
  return number<std::uint8_t>(f.at(name));
}
std::uint16_t u16(const json::object& f, const char* name) {
  return number<std::uint16_t>(f.at(name));
}
std::uint32_t u32(const json::object& f, const char* name) {
  return number<std::uint32_t>(f.at(name));
}
std::uint64_t u64(const json::object& f, const char* name) {
  return number<std::uint64_t>(f.at(name));
}

canvas::Position position(const json::object& f) { return {u64(f, "epoch"), u64(f, "offset")}; }

unsigned color_bits_of(const json::object& vector) {
  const auto* fields = vector.if_contains("fields");
  const auto& from = fields != nullptr ? fields->as_object() : vector;
  const auto* bits = from.if_contains("color_bits");
  return bits != nullptr ? bits->to_number<unsigned>() : 5;
}

/// The token stays inside `f`.
ClientMessage client_message(const std::string& name, const json::object& f) {
  if (name == "hello") return Hello{u8(f, "version")};
  if (name == "resume") return Resume{position(f), digest(f.at("digest"))};
  if (name == "sign_in") {
    const auto& token = f.at("token").as_string();
    return SignIn{base::ProducerId{u64(f, "producer")}, {token.data(), token.size()}};
  }
  if (name == "place") return Place{u32(f, "sequence"), u16(f, "x"), u16(f, "y"), u8(f, "color")};
  if (name == "ping") return Ping{u32(f, "nonce")};
  throw std::invalid_argument(name);
}

std::string encoded_welcome(const json::object& f) {
  Welcome welcome{.version = u8(f, "version"),
                  .width = u16(f, "width"),
                  .height = u16(f, "height"),
                  .cooldown_ms = u32(f, "cooldown_ms"),
                  .charges_max = u16(f, "charges_max"),
                  .position = position(f),
                  .digest = digest(f.at("digest")),
                  .time_ms = u64(f, "time_ms"),
                  .served_by = vectors::text(f.at("served_by"))};
  const auto flags = u8(f, "flags");
  welcome.frozen = (flags & 1) != 0;
  welcome.guests = (flags & 2) != 0;
  welcome.telegram = (flags & 4) != 0;
  for (const auto& item : f.at("palette").as_array()) {
    const auto color = base::from_hex(vectors::text(item).substr(1)).value();
    welcome.palette.push_back({static_cast<std::uint8_t>(color[0]),
                               static_cast<std::uint8_t>(color[1]),
                               static_cast<std::uint8_t>(color[2])});
  }
  return encode(welcome);
}

std::string encoded_delta(const json::object& f) {
  Delta delta{
      .base = u64(f, "base"), .advance = u32(f, "advance"), .digest = digest(f.at("digest"))};
  for (const auto& pixel : f.at("pixels").as_array()) {
    delta.pixels.push_back({number<std::uint32_t>(pixel.at(0)), number<std::uint8_t>(pixel.at(1))});
  }
  return encode(delta, u32(f, "color_bits"));
}

std::string encoded_server_message(const std::string& name, const json::object& f) {
  if (name == "welcome") return encoded_welcome(f);
  if (name == "snapshot_needed") {
    return encode(SnapshotNeeded{SnapshotReason{u8(f, "why")}, position(f)});
  }
  if (name == "delta") return encoded_delta(f);
  if (name == "accepted") {
    return encode(AcceptedMessage{u32(f, "sequence"), u64(f, "offset"), u16(f, "charges"),
                                  u32(f, "next_charge_ms")});
  }
  if (name == "refused") {
    return encode(RefusedMessage{u32(f, "sequence"), canvas::Refusal{u8(f, "reason")},
                                 u32(f, "wait_ms"), u16(f, "charges")});
  }
  if (name == "presence") return encode(Presence{u32(f, "online")});
  if (name == "notice") {
    return encode(Notice{NoticeKind{u8(f, "kind")}, u32(f, "value"), vectors::text(f.at("text"))});
  }
  if (name == "signed_in") {
    return encode(SignedIn{base::PersonId{number<std::int64_t>(f.at("person"))}, u16(f, "charges"),
                           u32(f, "next_charge_ms"), vectors::text(f.at("name"))});
  }
  if (name == "sign_in_refused") return encode(SignInRefused{SignInReason{u8(f, "reason")}});
  if (name == "pong") return encode(Pong{u32(f, "nonce"), u64(f, "time_ms")});
  throw std::invalid_argument(name);
}

std::string encoded(const ServerMessage& message, unsigned color_bits) {
  if (const auto* delta = std::get_if<Delta>(&message)) return encode(*delta, color_bits);
  return std::visit(
      [](const auto& other) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(other)>, Delta>)
          return {};
        else
          return encode(other);
      },
      message);
}

TEST(ProtocolVectors, HoldEveryMessageOfTheSpecification) {
  std::set<std::string> names;
  for (const auto& vector : vectors::load("protocol.json")) {
    names.insert(vectors::text(vector.at("message")));
  }
  EXPECT_EQ(names,
            (std::set<std::string>{"hello", "resume", "sign_in", "place", "ping", "welcome",
                                   "snapshot_needed", "delta", "accepted", "refused", "presence",
                                   "notice", "signed_in", "sign_in_refused", "pong"}));
}

TEST(ProtocolVectors, FieldsBecomeExactlyTheBytes) {
  for (const auto& vector : vectors::load("protocol.json")) {
    SCOPED_TRACE(vectors::text(vector.at("name")));
    const auto name = vectors::text(vector.at("message"));
    const auto& fields = vector.at("fields").as_object();
    const auto message = vector.at("direction") == "client" ? encode(client_message(name, fields))
                                                            : encoded_server_message(name, fields);
    EXPECT_EQ(base::to_hex(message), vectors::text(vector.at("hex")));
  }
}

// Together with the test above: what is decoded holds exactly the fields.
TEST(ProtocolVectors, BytesAreUnderstoodAndBecomeThemselvesAgain) {
  for (const auto& vector : vectors::load("protocol.json")) {
    SCOPED_TRACE(vectors::text(vector.at("name")));
    const auto bytes = vectors::bytes(vector.at("hex"));
    if (vector.at("direction") == "client") {
      const auto decoded = decode_client(bytes);
      ASSERT_TRUE(decoded.has_value());
      EXPECT_EQ(base::to_hex(encode(*decoded)), base::to_hex(bytes));
    } else {
      const auto color_bits = color_bits_of(vector.as_object());
      const auto decoded = decode_server(bytes, color_bits);
      ASSERT_TRUE(decoded.has_value());
      EXPECT_EQ(base::to_hex(encoded(*decoded, color_bits)), base::to_hex(bytes));
    }
  }
}

TEST(ProtocolVectors, NeitherSideUnderstandsItsOwnMessages) {
  for (const auto& vector : vectors::load("protocol.json")) {
    SCOPED_TRACE(vectors::text(vector.at("name")));
    const auto bytes = vectors::bytes(vector.at("hex"));
    if (vector.at("direction") == "client") {
      EXPECT_FALSE(decode_server(bytes, 5).has_value());
    } else {
      EXPECT_FALSE(decode_client(bytes).has_value());
    }
  }
}

/// A delta does not say how large the board is; whoever applies it looks.
bool fits(const ServerMessage& message, std::uint32_t area) {
  const auto* delta = std::get_if<Delta>(&message);
  return delta == nullptr || delta->pixels.empty() || delta->pixels.back().index < area;
}

TEST(MalformedVectors, AreRefused) {
  const auto all = vectors::load("malformed.json");
  ASSERT_GE(all.size(), 60U);
  for (const auto& vector : all) {
    SCOPED_TRACE(vectors::text(vector.at("name")) + ": " + vectors::text(vector.at("why")));
    const auto bytes = vectors::bytes(vector.at("hex"));
    if (vector.at("direction") == "client") {
      EXPECT_FALSE(decode_client(bytes).has_value());
      continue;
    }
    const auto& object = vector.as_object();
    const auto decoded = decode_server(bytes, color_bits_of(object));
    const auto* area = object.if_contains("area");
    EXPECT_FALSE(decoded && (area == nullptr || fits(*decoded, area->to_number<std::uint32_t>())));
  }
}

}  // namespace
}  // namespace wire
