// The bar for fan-out: what sending one pre-framed buffer to many sockets costs at the least. It
// knows just enough of the protocol for a client to come live; then it only sends.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "bench/fanout.hpp"
#include "bench/support.hpp"
#include "canvas/palette.hpp"
#include "wire/frame.hpp"
#include "wire/protocol.hpp"

namespace bench {

namespace {

// For the key that load::Swarm sends.
constexpr std::string_view kUpgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::string welcome_frame() {
  wire::Welcome welcome;
  welcome.width = 1000;
  welcome.height = 1000;
  welcome.palette.assign(canvas::kDefaultPalette.begin(), canvas::kDefaultPalette.end());
  return wire::frame(wire::encode(welcome));
}

class BareServer : public FanoutServer {
 public:
  BareServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    socklen_t size = sizeof address;
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, SOMAXCONN) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      fail("cannot listen on a loopback port");
    }
    port_ = ntohs(address.sin_port);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
  }

  ~BareServer() override {
    for (const int socket : live_) ::close(socket);
    ::close(epoll_);
    ::close(listener_);
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }

  void await(std::size_t clients) override {
    while (live_.size() < clients) {
      epoll_event events[64];
      const int count = ::epoll_wait(epoll_, events, 64, 30'000);
      if (count <= 0) fail("clients stopped coming");
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_) {
          accept_all();
        } else {
          greet(events[i].data.fd);
        }
      }
    }
  }

  void publish(const std::string& message) override {
    const auto frame = wire::frame(message);
    for (const int socket : live_) {
      const auto sent = ::send(socket, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(frame.size())) fail("a socket was full: lower the rate");
    }
  }

 private:
  void watch(int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
  }

  void accept_all() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) return;
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(socket);
    }
  }

  /// Answers the upgrade request, all of whose bytes come at once on loopback, with everything that
  /// a client waits for. What clients say later is never read.
  void greet(int socket) {
    static const std::string greeting =
        std::string(kUpgraded) + welcome_frame() + wire::frame(wire::encode(wire::Delta{}, 5));
    char request[4096];
    if (::recv(socket, request, sizeof request, 0) <= 0) fail("a client went away");
    if (::send(socket, greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) fail("cannot greet");
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
    live_.push_back(socket);
  }

  int listener_ = -1;
  int epoll_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> live_;
};

}  // namespace

std::unique_ptr<FanoutServer> make_bare_server() { return std::make_unique<BareServer>(); }

}  // namespace bench
