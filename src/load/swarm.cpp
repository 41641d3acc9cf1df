// The epoll loop of the clients: connecting, reading and writing. What they say is in client.cpp.
#include "load/swarm.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "base/clock.hpp"

namespace load {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr int kEventsMax = 512;

}  // namespace

Swarm::Swarm(Endpoint endpoint, Listener& listener)
    : endpoint_(std::move(endpoint)), listener_(listener), scratch_(kReadBytes, '\0') {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
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

void Swarm::reopen(Client& client) {
  if (client.state_ != Client::State::closed) return;
  --closed_;
  client.state_ = Client::State::waiting;
  waiting_.push_back(&client);
}

void Swarm::drop(Client& client) { close(client, {.kind = Ending::Kind::dropped}); }

bool Swarm::run_until(const std::function<bool()>& done, std::int64_t limit_ns, int turn_ms) {
  const auto end_ns = base::steady_ns() + limit_ns;
  while (!done()) {
    if (base::steady_ns() >= end_ns) return false;
    turn(turn_ms);
  }
  return true;
}

void Swarm::turn(int wait_ms) {
  now_ns_ = base::steady_ns();
  start_waiting();
  flush_dirty();  // what was queued between two turns
  epoll_event events[kEventsMax];
  const int count = ::epoll_wait(epoll_, events, kEventsMax, wait_ms);
  for (int i = 0; i < count; ++i) {
    auto& client = *static_cast<Client*>(events[i].data.ptr);
    now_ns_ = base::steady_ns();
    if ((events[i].events & EPOLLOUT) != 0 && client.connected()) on_writable(client);
    if ((events[i].events & ~std::uint32_t{EPOLLOUT}) != 0 && client.connected()) {
      on_readable(client);
    }
  }
  flush_dirty();
}

void Swarm::flush_dirty() {
  while (!dirty_.empty()) {
    Client& client = *dirty_.back();
    dirty_.pop_back();
    flush(client);
  }
}

void Swarm::start_waiting() {
  // Those that fail at once may be waiting again: they do not get another turn in this one.
  for (auto rest = waiting_.size(); rest > 0 && connecting_ < kConnectingMax; --rest) {
    Client& client = *waiting_.front();
    waiting_.pop_front();
    connect(client);
  }
}

void Swarm::connect(Client& client) {
  const auto& address = endpoint_.addresses[client.server()];
  client.state_ = Client::State::connecting;
  client.heard_ns_ = now_ns_;
  client.watches_writable_ = true;
  ++connecting_;
  client.socket_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (!client.connected()) {
    const auto why = static_cast<unsigned>(errno);
    return close(client, {.kind = Ending::Kind::not_connected, .code = why});
  }
  const int on = 1;
  ::setsockopt(client.socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A reset at the end instead of TIME_WAIT: ten thousand ports are free again at once.
  const linger reset{1, 0};
  ::setsockopt(client.socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  event.data.ptr = &client;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket_, &event);
  if (::connect(client.socket_, address.get(), address.size) != 0 && errno != EINPROGRESS) {
    const auto why = static_cast<unsigned>(errno);
    close(client, {.kind = Ending::Kind::not_connected, .code = why});
  }
}

void Swarm::on_writable(Client& client) {
  if (client.state_ == Client::State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(client.socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      const auto why = static_cast<unsigned>(error);
      return close(client, {.kind = Ending::Kind::not_connected, .code = why});
    }
    client.state_ = Client::State::upgrading;
    client.out_ = Client::upgrade(endpoint_.authority);
  }
  flush(client);
}

void Swarm::on_readable(Client& client) {
  const auto count = ::recv(client.socket_, scratch_.data(), scratch_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return close(client, {.kind = Ending::Kind::lost});
  counters_.bytes += static_cast<std::size_t>(count);
  client.heard_ns_ = now_ns_;

  std::string_view bytes(scratch_.data(), static_cast<std::size_t>(count));
  std::string joined;
  if (!client.in_.empty()) {
    joined = std::exchange(client.in_, {});
    joined.append(bytes);
    bytes = joined;
  }
  while (client.connected() && !bytes.empty()) {
    const auto taken = client.state_ == Client::State::upgrading ? take_upgrade(client, bytes)
                                                                 : take_frame(client, bytes);
    if (taken == 0) break;
    bytes.remove_prefix(taken);
  }
  if (client.connected()) client.in_ = bytes;
}

void Swarm::flush(Client& client) {
  client.dirty_ = false;
  if (!client.connected()) return;
  bool blocked = false;
  if (!client.out_.empty()) {
    const auto sent = ::send(client.socket_, client.out_.data(), client.out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return close(client, {.kind = Ending::Kind::lost});
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

void Swarm::close(Client& client, const Ending& ending) {
  const bool connecting = client.state_ == Client::State::connecting;
  if (!client.connected() && !connecting) return;
  if (client.connected()) ::close(std::exchange(client.socket_, -1));
  if (client.state_ == Client::State::ready) {
    --ready_;
  } else {
    --connecting_;
  }
  client.state_ = Client::State::closed;
  client.in_.clear();
  client.out_.clear();
  client.unanswered_ = 0;
  ++closed_;
  listener_.on_closed(client, ending);
}

}  // namespace load
