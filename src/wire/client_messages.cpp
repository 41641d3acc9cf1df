// Codec of what clients send.
#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "wire/protocol.hpp"

namespace wire {

namespace {

std::optional<ClientMessage> read_sign_in(base::ByteReader& in) {
  const auto producer = in.get<std::uint64_t>();
  const auto token = in.take_rest();
  if (producer == 0 || token.empty() || token.size() > base::limits::kTokenBytesMax) {
    return std::nullopt;
  }
  return SignIn{base::ProducerId{producer}, token};
}

std::optional<ClientMessage> read_place(base::ByteReader& in) {
  Place place;
  place.sequence = in.get<std::uint32_t>();
  place.x = in.get<std::uint16_t>();
  place.y = in.get<std::uint16_t>();
  place.color = in.get<std::uint8_t>();
  if (place.sequence == 0) return std::nullopt;
  return place;
}

Resume read_resume(base::ByteReader& in) {
  Resume resume;
  resume.position.epoch = in.get<std::uint64_t>();
  resume.position.offset = in.get<std::uint64_t>();
  resume.digest = in.get<std::uint64_t>();
  return resume;
}

struct Encoder {
  std::string out;

  void operator()(const Hello& m) {
    base::put(out, Type::hello);
    base::put(out, m.version);
  }
  void operator()(const Resume& m) {
    base::put(out, Type::resume);
    base::put(out, m.position.epoch);
    base::put(out, m.position.offset);
    base::put(out, m.digest);
  }
  void operator()(const SignIn& m) {
    base::put(out, Type::sign_in);
    base::put(out, m.producer);
    out += m.token;
  }
  void operator()(const Place& m) {
    base::put(out, Type::place);
    base::put(out, m.sequence);
    base::put(out, m.x);
    base::put(out, m.y);
    base::put(out, m.color);
  }
  void operator()(const Ping& m) {
    base::put(out, Type::ping);
    base::put(out, m.nonce);
  }
};

}  // namespace

std::optional<ClientMessage> decode_client(std::string_view message) {
  base::ByteReader in(message);
  std::optional<ClientMessage> decoded;
  switch (Type{in.get<std::uint8_t>()}) {
    case Type::hello:
      decoded = Hello{in.get<std::uint8_t>()};
      break;
    case Type::resume:
      decoded = read_resume(in);
      break;
    case Type::sign_in:
      decoded = read_sign_in(in);
      break;
    case Type::place:
      decoded = read_place(in);
      break;
    case Type::ping:
      decoded = Ping{in.get<std::uint32_t>()};
      break;
    default:
      break;
  }
  return in.complete() ? decoded : std::nullopt;
}

std::string encode(const ClientMessage& message) {
  Encoder encoder;
  std::visit(encoder, message);
  return std::move(encoder.out);
}

}  // namespace wire
