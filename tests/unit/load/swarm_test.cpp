// Why connections end, and that clients come back: against a server that says what it is told to.
#include "load/swarm.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "wire/frame.hpp"

namespace load {
namespace {

constexpr std::int64_t kLimitNs = 20'000'000'000;
const std::string kUpgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Listens on a port of its own and answers every connection's first bytes with the same text.
class Server {
 public:
  explicit Server(std::string text) : text_(std::move(text)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    auto address = loopback({0}).addresses.front();
    ::bind(socket_, address.get(), address.size);
    ::listen(socket_, 16);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    // A sockaddr_in is looked at as a sockaddr by the socket interface's design.
    ::getsockname(socket_, static_cast<sockaddr*>(static_cast<void*>(&bound)), &size);
    port = ntohs(bound.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  std::uint16_t port = 0;

 private:
  void serve() {
    for (int client = -1; (client = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(client)) {
      char bytes[4096];
      if (::recv(client, bytes, sizeof bytes, 0) <= 0) continue;
      ::send(client, text_.data(), text_.size(), MSG_NOSIGNAL);
      ::shutdown(client, SHUT_WR);
      while (::recv(client, bytes, sizeof bytes, 0) > 0) continue;
    }
  }

  const std::string text_;
  int socket_ = -1;
  std::thread thread_;
};

struct Watcher : Listener {
  void on_closed(Client&, const Ending& ending) override { endings.push_back(ending); }
  void on_delta(Client&, std::string_view) override { ++deltas; }
  void on_ready(Client&) override { ++ready; }
  std::vector<Ending> endings;
  int deltas = 0;
  int ready = 0;
};

/// How one client's connection ends at a server that says this.
Ending ending_after(const std::string& text, Watcher& watcher) {
  const Server server(text);
  Swarm swarm(loopback({server.port}), watcher);
  swarm.open({});
  EXPECT_TRUE(swarm.run_until([&] { return swarm.closed() == 1; }, kLimitNs));
  return watcher.endings.empty() ? Ending{} : watcher.endings.front();
}

Ending ending_after(const std::string& text) {
  Watcher watcher;
  return ending_after(text, watcher);
}

TEST(LoadSwarm, TellsARefusedUpgrade) {
  const auto ending =
      ending_after("HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(ending.kind, Ending::Kind::refused);
  EXPECT_EQ(ending.code, 429);
  EXPECT_EQ(ending.retry_after_s, 7);
}

TEST(LoadSwarm, TellsACloseCode) {
  const auto ending = ending_after(kUpgraded + wire::close_frame(wire::CloseCode::restart));
  EXPECT_EQ(ending.kind, Ending::Kind::closed);
  EXPECT_EQ(ending.code, 1012);
}

TEST(LoadSwarm, TellsALostConnection) {
  EXPECT_EQ(ending_after(kUpgraded).kind, Ending::Kind::lost);
  EXPECT_EQ(ending_after("").kind, Ending::Kind::lost);
}

TEST(LoadSwarm, TellsBrokenFraming) {
  for (const std::string text : {"\x81\x01x", "\x02\x01x", "\x82\x01\x7f"}) {
    EXPECT_EQ(ending_after(kUpgraded + text).kind, Ending::Kind::malformed);
  }
  EXPECT_EQ(ending_after("HTTP/1.1 101 Switching Protocols\r\n\r\n").kind, Ending::Kind::malformed);
}

TEST(LoadSwarm, TellsThatNobodyIsThere) {
  std::uint16_t port = 0;
  { port = Server("").port; }
  Watcher watcher;
  Swarm swarm(loopback({port}), watcher);
  swarm.open({});
  ASSERT_TRUE(swarm.run_until([&] { return swarm.closed() == 1; }, kLimitNs));
  EXPECT_EQ(watcher.endings.front().kind, Ending::Kind::not_connected);
  EXPECT_EQ(watcher.endings.front().code, static_cast<unsigned>(ECONNREFUSED));
}

TEST(LoadSwarm, BringsAClientLiveAgainAndAgain) {
  const wire::Welcome welcome{.width = 16, .height = 16, .palette = {{}, {}}, .served_by = "one"};
  const auto text =
      kUpgraded + wire::frame(wire::encode(welcome)) + wire::frame(wire::encode(wire::Delta{}, 1));
  Watcher watcher;
  const Server server(text);
  Swarm swarm(loopback({server.port}), watcher);
  auto& client = swarm.open({});
  for (int n = 1; n <= 3; ++n) {
    ASSERT_TRUE(swarm.run_until([&] { return swarm.closed() == 1; }, kLimitNs));
    EXPECT_EQ(watcher.ready, n);
    EXPECT_EQ(watcher.deltas, n);
    EXPECT_EQ(swarm.ready(), 0);
    EXPECT_EQ(client.welcome().served_by, "one");
    swarm.reopen(client);
    EXPECT_EQ(swarm.closed(), 0);
  }
}

}  // namespace
}  // namespace load
