// What the client says when servers die, go mute or talk nonsense: what was certainly not applied,
// and what nobody knows.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "redis/reply_reader.hpp"
#include "tests/unit/redis/fixture.hpp"

namespace redis {
namespace {

namespace asio = boost::asio;

TEST(Faults, AKilledServerLeavesTheOutcomeOpen) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  EXPECT_EQ(test.say(command("PING")), "PONG");
  server.suspend();  // so that it certainly does not answer before it dies
  const auto sent = test.loop.begin(test.client->ask_one(command("INCR", "n"), 10s));
  test.loop.settle();
  server.kill();
  test.loop.until([&] { return sent->has_value(); });
  ASSERT_FALSE((*sent)->ok());
  EXPECT_EQ((*sent)->error().kind, Failure::unknown) << (*sent)->error().message;

  const auto after = test.ask_one(command("INCR", "n"), 200ms);
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().kind, Failure::not_applied) << after.error().message;

  server.start();
  EXPECT_EQ(test.say(command("INCR", "n")), "1");
  EXPECT_EQ(test.told.count('+'), 2U) << test.told.all();
  EXPECT_EQ(test.told.lines.back(), '+' + server.address());
}

TEST(Faults, WhatWasNotSentYetIsSentAfterwards) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  test.until_connected();
  server.suspend();
  const auto big =
      command("SET", "big", std::string(30'000'000, 'x'));  // no socket takes all of it
  const auto sending = test.loop.begin(test.client->ask_one(big, 20s));
  test.loop.settle();
  const auto behind = test.loop.begin(test.client->ask_one(command("INCR", "n"), 20s));
  const auto hasty = test.ask_one(command("INCR", "n"), 200ms);
  ASSERT_FALSE(hasty.ok());
  EXPECT_EQ(hasty.error().kind, Failure::not_applied) << hasty.error().message;
  EXPECT_FALSE(sending->has_value()) << "the connection is not given up for that";
  server.kill();
  server.start();
  test.loop.until([&] { return sending->has_value() && behind->has_value(); });
  ASSERT_FALSE((*sending)->ok());
  EXPECT_EQ((*sending)->error().kind, Failure::unknown);
  ASSERT_TRUE((*behind)->ok()) << (*behind)->error().message;
  EXPECT_EQ((**behind)->integer, 1);
}

TEST(Faults, AMuteServerIsGivenUpAtTheDeadline) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  EXPECT_EQ(test.say(command("PING")), "PONG");
  server.suspend();
  const auto patient = test.loop.begin(test.client->ask_one(command("INCR", "n"), 60s));
  test.loop.settle();
  const auto answer = test.ask_one(command("INCR", "n"), 300ms);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, Failure::unknown);
  EXPECT_TRUE(contains(answer.error().message, "no answer in time")) << answer.error().message;
  test.loop.until([&] { return patient->has_value(); });
  EXPECT_EQ((*patient)->error().kind, Failure::unknown) << "it was on the same connection";

  const auto while_mute = test.ask_one(command("PING"), 300ms);
  ASSERT_FALSE(while_mute.ok());
  EXPECT_EQ(while_mute.error().kind, Failure::not_applied);
  server.resume();
  EXPECT_EQ(test.say(command("PING")), "PONG");
}

/// A server on the test's own loop that answers whatever the test says.
class ScriptedServer {
 public:
  using Answer = std::function<std::string(const Command&)>;

  ScriptedServer(support::Loop& loop, Answer answer)
      : acceptor_(loop.executor(), {asio::ip::address_v4::loopback(), 0}),
        answer_(std::move(answer)) {
    asio::co_spawn(loop.executor(), accept(), [](const std::exception_ptr&) {});
  }

  [[nodiscard]] std::string url() const {
    return "redis://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  void close() { acceptor_.close(); }
  int connections = 0;                 // since it began
  std::chrono::milliseconds pause{0};  // after every answer
  [[nodiscard]] long open_connections() const { return open_.use_count() - 1; }

 private:
  asio::awaitable<void> accept() {
    while (true) {
      auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
      ++connections;
      asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)),
                     [](const std::exception_ptr&) {});
    }
  }

  asio::awaitable<void> serve(asio::ip::tcp::socket socket) {
    const auto counted = open_;  // as many as hold it
    ReplyReader reader;
    std::vector<char> bytes(4096);
    while (true) {
      const auto size = co_await socket.async_read_some(asio::buffer(bytes), asio::use_awaitable);
      reader.feed({bytes.data(), size});
      while (const auto request = reader.next()) {
        Command words;
        for (const auto& word : request->elements) words.push_back(word.text);
        const std::string out = greets(words) ? "*0\r\n" : answer_(words);
        if (out.empty()) co_return;
        co_await asio::async_write(socket, asio::buffer(out), asio::use_awaitable);
        if (pause == 0ms) continue;
        asio::steady_timer timer(acceptor_.get_executor(), pause);
        co_await timer.async_wait(asio::use_awaitable);
      }
    }
  }

  static bool greets(const Command& words) {
    return words[0] == "HELLO" || words[0] == "CLIENT" || words[0] == "EXISTS";
  }

  asio::ip::tcp::acceptor acceptor_;
  Answer answer_;
  std::shared_ptr<bool> open_ = std::make_shared<bool>();  // held by each open connection
};

struct Scripted : testing::Test {
  /// The server lives on the client's loop, and the client looks for it until it is there.
  base::Result<Client::Replies, Error> ask(const ScriptedServer::Answer& answer,
                                           const std::vector<Command>& commands) {
    support::Loop loop;
    ScriptedServer server(loop, answer);
    Client client(
        loop.executor(),
        ClientOptions{.url = url_of(server.url()), .key = "k", .on_state = told.listener()});
    auto replies = loop.run(client.ask(commands, 2s));
    connections = server.connections;
    client.stop();
    loop.run(client.stopped());
    server.close();
    return replies;
  }

  Told told;
  int connections = 0;
};

TEST_F(Scripted, ANodeThatWasNotReadyForAnyCommandAppliedNothing) {
  const auto loading = [](const Command&) { return "-LOADING wait\r\n"; };
  const auto answer = ask(loading, {command("INCR", "a"), command("INCR", "b")});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, Failure::not_applied);
  EXPECT_EQ(answer.error().code, "LOADING");
}

TEST_F(Scripted, WaitChangesNothing) {
  const auto answer = ask(
      [](const Command& words) {
        return words[0] == "WAIT" ? ":0\r\n" : "-CLUSTERDOWN Hash slot not served\r\n";
      },
      {command("INCR", "a"), command("WAIT", 1, 100)});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, Failure::not_applied);
}

TEST_F(Scripted, ANodeThatWasReadyForSomeCommandsMayHaveAppliedThem) {
  const auto answer =
      ask([](const Command& words) { return words[1] == "a" ? "-LOADING wait\r\n" : ":1\r\n"; },
          {command("INCR", "a"), command("INCR", "b")});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, Failure::unknown);
}

TEST_F(Scripted, WhatWasSentToANodeThatIsGivenUpIsStillAnswered) {
  support::Loop loop;
  ScriptedServer server(
      loop, [](const Command& words) { return words[1] == "a" ? "-LOADING wait\r\n" : ":1\r\n"; });
  Client client(loop.executor(),
                ClientOptions{.url = url_of(server.url()), .key = "k", .on_state = {}});
  server.pause = 20ms;  // the first answer is read before the second is written
  const auto first = loop.begin(client.ask_one(command("INCR", "a"), 10s));
  const auto second = loop.begin(client.ask_one(command("INCR", "b"), 10s));
  loop.until([&] { return first->has_value() && second->has_value(); });
  EXPECT_EQ((*first)->error().kind, Failure::not_applied);
  EXPECT_TRUE((*second)->ok());
  loop.until([&] { return server.connections == 2 && server.open_connections() == 1; });
  client.stop();
  loop.run(client.stopped());
  server.close();
}

TEST_F(Scripted, NonsenseLeavesTheOutcomeOpen) {
  for (const auto* nonsense : {"what?\r\n", "$-7\r\n", ",3.5\r\n"}) {
    const auto answer = ask([&](const Command&) { return nonsense; }, {command("INCR", "a")});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind, Failure::unknown);
    EXPECT_TRUE(contains(answer.error().message, "not understood")) << answer.error().message;
  }
}

TEST_F(Scripted, AnEndAfterTheRequestLeavesTheOutcomeOpen) {
  const auto answer = ask([](const Command&) { return ""; }, {command("INCR", "a")});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, Failure::unknown);
  EXPECT_TRUE(contains(answer.error().message, "closed by the server")) << answer.error().message;
}

TEST_F(Scripted, RedirectionsEnd) {
  int asked = 0;
  std::string self;
  support::Loop loop;
  ScriptedServer server(loop, [&](const Command&) {
    ++asked;
    return "-MOVED 1 " + self.substr(std::string("redis://").size()) + "\r\n";
  });
  self = server.url();
  Client client(loop.executor(), ClientOptions{.url = url_of(self), .key = "k", .on_state = {}});
  const auto answer = loop.run(client.ask_one(command("INCR", "a"), 10s));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, Failure::not_applied);
  EXPECT_EQ(answer.error().code, "MOVED");
  EXPECT_EQ(asked, 1 + static_cast<int>(base::limits::kRedisRedirectionsMax));
  client.stop();
  loop.run(client.stopped());
  server.close();
}

TEST_F(Scripted, AServerThatThrowsEverybodyOutIsNotHurried) {
  support::Loop loop;
  ScriptedServer server(loop, [](const Command&) { return "-LOADING wait\r\n"; });
  Client client(loop.executor(),
                ClientOptions{.url = url_of(server.url()), .key = "k", .on_state = {}});
  const auto end = std::chrono::steady_clock::now() + 1s;
  int asks = 0;
  while (std::chrono::steady_clock::now() < end) {
    EXPECT_FALSE(loop.run(client.ask_one(command("INCR", "a"), 10s)).ok());
    ++asks;
  }
  EXPECT_EQ(server.connections, asks) << "a new connection for each";
  EXPECT_LT(asks, 40) << "twenty milliseconds at first, doubled again and again";
  client.stop();
  loop.run(client.stopped());
  server.close();
}

}  // namespace
}  // namespace redis
