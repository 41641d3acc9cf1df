// The epoll loop, the client half of RFC 6455 and the messages of docs/protocol.md.
#include "bench/load_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "bench/support.hpp"

namespace bench {

namespace {

// The sample key of RFC 6455: these clients prove nothing, so all of them send the same one.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr int kEventsMax = 256;
constexpr unsigned kAbnormalClosure = 1006;

enum Opcode : std::uint8_t { kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

}  // namespace

Client::Client(Swarm& swarm, std::size_t index, ClientOptions options)
    : swarm_(swarm), index_(index), options_(std::move(options)) {
  mask_ = static_cast<std::uint32_t>(Random(index + 1).next());
}

std::size_t Client::server() const { return index_ % swarm_.endpoint_.ports.size(); }

std::uint32_t Client::place(std::uint16_t x, std::uint16_t y, std::uint8_t color) {
  queue(wire::Place{++sequence_, x, y, color});
  ++unanswered_;
  return sequence_;
}

void Client::queue(const wire::ClientMessage& message) { queue(kBinary, wire::encode(message)); }

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

Swarm::Swarm(Endpoint endpoint, Listener& listener)
    : endpoint_(std::move(endpoint)), listener_(listener), scratch_(kReadBytes, '\0') {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail("epoll_create1 failed");
}

Swarm::~Swarm() {
  for (const auto& client : clients_) {
    if (client->socket_ >= 0) ::close(client->socket_);
  }
  ::close(epoll_);
}

Client& Swarm::open(ClientOptions options) {
  // Not make_unique: the constructor is the swarm's alone.
  clients_.emplace_back(new Client(*this, clients_.size(), std::move(options)));
  waiting_.push_back(clients_.back().get());
  return *clients_.back();
}

bool Swarm::run_until(const std::function<bool()>& done, std::int64_t limit_ns, int turn_ms) {
  const auto end_ns = base::steady_ns() + limit_ns;
  while (!done()) {
    if (base::steady_ns() >= end_ns) return false;
    turn(turn_ms);
  }
  return true;
}

void Swarm::turn(int wait_ms) {
  start_waiting();
  // What was queued between two turns leaves now; what the turn itself queues, at its end.
  for (std::size_t i = 0; i < dirty_.size(); ++i) flush(*dirty_[i]);
  dirty_.clear();
  epoll_event events[kEventsMax];
  const int count = ::epoll_wait(epoll_, events, kEventsMax, wait_ms);
  for (int i = 0; i < count; ++i) {
    auto& client = *static_cast<Client*>(events[i].data.ptr);
    if ((events[i].events & EPOLLOUT) != 0 && client.socket_ >= 0) on_writable(client);
    if ((events[i].events & ~std::uint32_t{EPOLLOUT}) != 0 && client.socket_ >= 0) {
      on_readable(client);
    }
  }
  for (std::size_t i = 0; i < dirty_.size(); ++i) flush(*dirty_[i]);
  dirty_.clear();
}

void Swarm::start_waiting() {
  while (!waiting_.empty() && connecting_ < kConnectingMax) {
    Client& client = *waiting_.front();
    waiting_.pop_front();
    connect(client);
  }
}

void Swarm::connect(Client& client) {
  client.socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client.socket_ < 0) fail("no more sockets: raise the limit of open files");
  const int on = 1;
  ::setsockopt(client.socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A reset at the end instead of TIME_WAIT: ten thousand ports are free again at once.
  const linger reset{1, 0};
  ::setsockopt(client.socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint_.ports[client.server()]);
  if (::inet_pton(AF_INET, endpoint_.address.c_str(), &address.sin_addr) != 1) {
    fail("not an IPv4 address: " + endpoint_.address);
  }
  client.state_ = Client::State::connecting;
  ++connecting_;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  event.data.ptr = &client;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket_, &event);
  // The address of a sockaddr_in is the address of a sockaddr by the socket interface's design.
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::connect(client.socket_, generic, sizeof address) != 0 && errno != EINPROGRESS) {
    close(client, kAbnormalClosure);
  }
}

void Swarm::on_writable(Client& client) {
  if (client.state_ == Client::State::connecting) {
    client.state_ = Client::State::upgrading;
    const auto host = endpoint_.address + ":" + std::to_string(endpoint_.ports[client.server()]);
    client.out_ = "GET /ws HTTP/1.1\r\nHost: " + host +
                  "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: " +
                  std::string(kKey) + "\r\n\r\n";
  }
  flush(client);
}

void Swarm::on_readable(Client& client) {
  const auto count = ::recv(client.socket_, scratch_.data(), scratch_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return close(client, kAbnormalClosure);
  counters_.bytes += static_cast<std::size_t>(count);

  std::string_view bytes(scratch_.data(), static_cast<std::size_t>(count));
  std::string joined;
  if (!client.in_.empty()) {
    joined = std::exchange(client.in_, {});
    joined.append(bytes);
    bytes = joined;
  }
  while (client.socket_ >= 0 && !bytes.empty()) {
    const auto taken = client.state_ == Client::State::upgrading ? take_upgrade(client, bytes)
                                                                 : take_frame(client, bytes);
    if (taken == 0) break;
    bytes.remove_prefix(taken);
  }
  if (client.socket_ >= 0) client.in_ = bytes;
}

/// Takes the answer to the upgrade and says how many bytes it was; 0 if it is not all there.
std::size_t Swarm::take_upgrade(Client& client, std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const auto header = bytes.substr(0, end);
  if (!header.starts_with("HTTP/1.1 101") || header.find(kAccept) == std::string_view::npos) {
    close(client, kAbnormalClosure);
    return bytes.size();
  }
  client.state_ = Client::State::greeting;
  client.queue(wire::Hello{});
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
    on_control(client, first & 0x0F, payload);
  }
  return header + size;
}

void Swarm::on_message(Client& client, std::string_view message) {
  if (!message.empty() && static_cast<wire::Type>(message[0]) == wire::Type::delta) {
    ++counters_.deltas;
    if (std::exchange(client.awaits_delta_, false)) return settle(client);
    return listener_.on_delta(client, message);
  }
  auto decoded = wire::decode_server(message, 0);  // the colour bits matter to deltas only
  if (!decoded) return close(client, kAbnormalClosure);
  if (auto* welcome = std::get_if<wire::Welcome>(&*decoded)) {
    on_welcome(client, std::move(*welcome));
  } else if (const auto* accepted = std::get_if<wire::AcceptedMessage>(&*decoded)) {
    if (client.unanswered_ > 0) --client.unanswered_;
    listener_.on_accepted(client, *accepted);
  } else if (const auto* refused = std::get_if<wire::RefusedMessage>(&*decoded)) {
    if (client.unanswered_ > 0) --client.unanswered_;
    listener_.on_refused(client, *refused);
  } else if (std::holds_alternative<wire::SignedIn>(*decoded)) {
    client.awaits_sign_in_ = false;
    settle(client);
  } else if (std::holds_alternative<wire::SignInRefused>(*decoded) ||
             std::holds_alternative<wire::SnapshotNeeded>(*decoded)) {
    close(client, kAbnormalClosure);  // the token is good and the position is the welcome's own
  }
}

void Swarm::on_welcome(Client& client, wire::Welcome welcome) {
  client.welcome_ = std::move(welcome);
  client.awaits_sign_in_ = !client.options_.token.empty();
  if (client.awaits_sign_in_) {
    client.queue(wire::SignIn{client.options_.producer, client.options_.token});
  }
  client.awaits_delta_ = client.options_.live;
  if (client.awaits_delta_) {
    client.queue(wire::Resume{client.welcome_.position, client.welcome_.digest});
  }
  settle(client);
}

void Swarm::on_control(Client& client, unsigned opcode, std::string_view payload) {
  if (opcode == kPing) return client.queue(kPong, payload);
  if (opcode == kPong) return;
  if (opcode == kClose && payload.size() >= 2) {
    return close(client, static_cast<std::uint8_t>(payload[0]) * 256U +
                             static_cast<std::uint8_t>(payload[1]));
  }
  close(client, kAbnormalClosure);
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

void Swarm::flush(Client& client) {
  client.dirty_ = false;
  if (client.socket_ < 0) return;
  bool blocked = false;
  if (!client.out_.empty()) {
    const auto sent = ::send(client.socket_, client.out_.data(), client.out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return close(client, kAbnormalClosure);
    if (sent > 0) client.out_.erase(0, static_cast<std::size_t>(sent));
    blocked = !client.out_.empty();
  }
  // Writability is watched only while it is awaited: the connect, and a full socket.
  if (std::exchange(client.watches_writable_, blocked) == blocked) return;
  epoll_event event{};
  event.events = blocked ? EPOLLIN | EPOLLOUT | EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;
  event.data.ptr = &client;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.socket_, &event);
}

void Swarm::close(Client& client, unsigned code) {
  if (client.socket_ < 0) return;
  ::close(std::exchange(client.socket_, -1));
  if (client.state_ == Client::State::ready) {
    --ready_;
  } else {
    --connecting_;
  }
  client.state_ = Client::State::closed;
  client.out_.clear();
  ++closed_;
  ++counters_.closed[code];
  listener_.on_closed(client, code);
}

}  // namespace bench
