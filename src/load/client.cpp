// What a client says and hears: the client half of RFC 6455 and the messages of docs/protocol.md.
#include <arpa/inet.h>

#include <cstring>
#include <utility>
#include <variant>

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "load/swarm.hpp"

namespace load {

namespace {

// The sample key of RFC 6455: these clients prove nothing, so all of them send the same one.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

constexpr std::size_t kAnswerBytesMax = 16 * 1024;
constexpr unsigned kNoStatus = 1005;  // a close frame without a code

enum Opcode : std::uint8_t { kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

/// The value of a field in the head of an answer; empty if it is not there.
std::string_view field(std::string_view head, std::string_view name) {
  for (auto line_end = head.find("\r\n"); line_end != std::string_view::npos;
       line_end = head.find("\r\n")) {
    head.remove_prefix(line_end + 2);
    const auto line = head.substr(0, head.find("\r\n"));
    const auto colon = std::min(line.find(':'), line.size());
    if (base::equal_ignoring_case(line.substr(0, colon), name)) {
      return base::trim(line.substr(std::min(colon + 1, line.size())));
    }
  }
  return {};
}

Ending refusal(std::string_view head) {
  const auto space = std::min(head.find(' '), head.size());
  const auto status =
      base::parse_number<unsigned>(head.substr(std::min(space + 1, head.size()), 3));
  const auto wait = base::parse_number<unsigned>(field(head, "Retry-After"));
  return {
      .kind = Ending::Kind::refused, .code = status.value_or(0), .retry_after_s = wait.value_or(0)};
}

}  // namespace

canvas::Standing Listener::stands_at(Client& client) {
  return {client.welcome().position, client.welcome().digest};
}

Client::Client(Swarm& swarm, std::size_t index, ClientOptions options)
    : swarm_(swarm), index_(index), options_(std::move(options)) {
  mask_ = static_cast<std::uint32_t>((index + 1) * 0x9E3779B9U);
}

std::size_t Client::server() const { return index_ % swarm_.endpoint_.addresses.size(); }

std::uint32_t Client::place(std::uint16_t x, std::uint16_t y, std::uint8_t color) {
  send(wire::Place{++sequence_, x, y, color});
  return sequence_;
}

void Client::send(const wire::ClientMessage& message) {
  if (std::holds_alternative<wire::Place>(message)) ++unanswered_;
  queue(kBinary, wire::encode(message));
}

void Client::queue(std::uint8_t opcode, std::string_view payload) {
  base::put(out_, static_cast<std::uint8_t>(0x80 | opcode));
  if (payload.size() < 126) {
    base::put(out_, static_cast<std::uint8_t>(0x80 | payload.size()));
  } else {
    base::put(out_, static_cast<std::uint8_t>(0x80 | 126));
    base::put(out_, htons(static_cast<std::uint16_t>(payload.size())));
  }
  char mask[4];
  std::memcpy(mask, &mask_, sizeof mask);
  out_.append(mask, sizeof mask);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out_.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  if (!std::exchange(dirty_, true)) swarm_.dirty_.push_back(this);
}

std::string Client::upgrade(const std::string& authority) {
  return "GET /ws HTTP/1.1\r\nHost: " + authority +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: " +
         std::string(kKey) + "\r\n\r\n";
}

/// Takes the answer to the upgrade and says how many bytes it was; 0 if it is not all there.
std::size_t Swarm::take_upgrade(Client& client, std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > kAnswerBytesMax) close(client, {.kind = Ending::Kind::malformed});
    return 0;
  }
  const auto head = bytes.substr(0, end + 2);
  if (!head.starts_with("HTTP/1.1 101")) {
    close(client, refusal(head));
    return bytes.size();
  }
  if (field(head, "Sec-WebSocket-Accept") != kAccept) {
    close(client, {.kind = Ending::Kind::malformed});
    return bytes.size();
  }
  client.state_ = Client::State::greeting;
  client.send(wire::Hello{});
  return end + 4;
}

/// Takes one frame and says how many bytes it was; 0 if it is not all there.
std::size_t Swarm::take_frame(Client& client, std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  std::uint64_t size = static_cast<std::uint8_t>(bytes[1]);
  std::size_t header = 2;
  if (size >= 126) {
    const std::size_t digits = size == 126 ? 2 : 8;
    if (bytes.size() < header + digits) return 0;
    size = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      size = size << 8 | static_cast<std::uint8_t>(bytes[header + i]);
    }
    header += digits;
  }
  if (bytes.size() - header < size) return 0;
  const auto payload = bytes.substr(header, size);
  // Our server neither fragments nor masks, and no extension was negotiated.
  if (first == (0x80 | kBinary)) {
    ++counters_.frames;
    on_message(client, payload);
  } else {
    on_control(client, first, payload);
  }
  return header + size;
}

void Swarm::on_message(Client& client, std::string_view message) {
  if (!message.empty() && static_cast<wire::Type>(message[0]) == wire::Type::delta) {
    ++counters_.deltas;
    listener_.on_delta(client, message);
    if (std::exchange(client.awaits_delta_, false)) settle(client);
    return;
  }
  auto decoded = wire::decode_server(message, 0);  // the colour bits matter to deltas only
  if (!decoded) return close(client, {.kind = Ending::Kind::malformed});
  on_decoded(client, *std::move(decoded));
}

void Swarm::on_decoded(Client& client, wire::ServerMessage message) {
  if (auto* welcome = std::get_if<wire::Welcome>(&message)) {
    on_welcome(client, std::move(*welcome));
  } else if (const auto* accepted = std::get_if<wire::AcceptedMessage>(&message)) {
    if (client.unanswered_ > 0) --client.unanswered_;
    listener_.on_accepted(client, *accepted);
  } else if (const auto* refused = std::get_if<wire::RefusedMessage>(&message)) {
    if (client.unanswered_ > 0) --client.unanswered_;
    listener_.on_refused(client, *refused);
  } else if (const auto* signed_in = std::get_if<wire::SignedIn>(&message)) {
    client.awaits_sign_in_ = false;
    listener_.on_signed_in(client, *signed_in);
    settle(client);
  } else if (const auto* notice = std::get_if<wire::Notice>(&message)) {
    listener_.on_notice(client, *notice);
  } else if (const auto* no = std::get_if<wire::SignInRefused>(&message)) {
    close(client,
          {.kind = Ending::Kind::sign_in_refused, .code = static_cast<unsigned>(no->reason)});
  } else if (const auto* needed = std::get_if<wire::SnapshotNeeded>(&message)) {
    listener_.on_snapshot_needed(client, *needed);
    close(client, {.kind = Ending::Kind::snapshot_needed});
  }
}

void Swarm::on_welcome(Client& client, wire::Welcome welcome) {
  client.welcome_ = std::move(welcome);
  client.awaits_sign_in_ = !client.options_.token.empty();
  if (client.awaits_sign_in_) {
    client.send(wire::SignIn{client.options_.producer, client.options_.token});
  }
  client.awaits_delta_ = client.options_.live;
  if (client.awaits_delta_) {
    const auto standing = listener_.stands_at(client);
    client.send(wire::Resume{standing.position, standing.digest});
  }
  settle(client);
}

void Swarm::on_control(Client& client, unsigned first, std::string_view payload) {
  if (first == (0x80 | kPing)) return client.queue(kPong, payload);
  if (first == (0x80 | kPong)) return;
  if (first != (0x80 | kClose)) return close(client, {.kind = Ending::Kind::malformed});
  const auto code = payload.size() < 2 ? kNoStatus
                                       : static_cast<std::uint8_t>(payload[0]) * 256U +
                                             static_cast<std::uint8_t>(payload[1]);
  close(client, {.kind = Ending::Kind::closed, .code = code});
}

/// Makes the client ready once everything it asked for was answered.
void Swarm::settle(Client& client) {
  if (client.state_ != Client::State::greeting) return;
  if (client.awaits_delta_ || client.awaits_sign_in_) return;
  client.state_ = Client::State::ready;
  --connecting_;
  ++ready_;
  listener_.on_ready(client);
}

}  // namespace load
