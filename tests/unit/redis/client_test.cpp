// The client and one real server: asking, logging in, limits, the end.
#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "tests/unit/redis/fixture.hpp"

namespace redis {
namespace {

namespace asio = boost::asio;
namespace limits = base::limits;

TEST(Client, AsksInOrderAndGetsOneReplyForEach) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  const auto replies =
      test.ask({command("SET", "k", 5), command("INCR", "k"), command("LPUSH", "k", 1),
                command("GET", "none"), command("WAIT", 0, 100), command("MGET", "k", "none")});
  ASSERT_TRUE(replies.ok()) << replies.error().message;
  ASSERT_EQ(replies->size(), 6U);
  EXPECT_EQ((*replies)[0].text, "OK");
  EXPECT_EQ((*replies)[1].integer, 6);
  EXPECT_EQ((*replies)[2].code(), "WRONGTYPE") << "an error reply is a reply";
  EXPECT_TRUE((*replies)[3].is_nil());
  EXPECT_EQ((*replies)[4].integer, 0);
  EXPECT_EQ((*replies)[5].elements.at(0).text, "6");
  EXPECT_EQ(test.client->address(), server.address());
  EXPECT_EQ(test.told.all(), '+' + server.address() + '\n');
}

TEST(Client, OneCommandsErrorReplyIsAnError) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  const auto reply = test.ask_one(command("NONSENSE"));
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().kind, Failure::refused);
  EXPECT_EQ(reply.error().code, "ERR");
  EXPECT_EQ(test.say(command("PING")), "PONG") << "the connection is as good as before";
  EXPECT_EQ(test.told.lines.size(), 1U);
}

/// Asks in a row, and must get its own answers every time.
asio::awaitable<bool> increment(Client& client, int who, int times) {
  const auto key = "n" + std::to_string(who);
  for (int i = 1; i <= times; ++i) {
    std::vector<Command> commands;
    commands.push_back(command("INCR", key));
    commands.push_back(command("ECHO", key + '-' + std::to_string(i)));
    const auto replies = co_await client.ask(std::move(commands), 10s);
    if (!replies || (*replies)[0].integer != i) co_return false;
    if ((*replies)[1].text != key + '-' + std::to_string(i)) co_return false;
  }
  co_return true;
}

TEST(Client, ManyCoroutinesSharePipelinesOfOneConnection) {
  constexpr int kCoroutines = 100;
  constexpr int kTimes = 20;
  RedisServer server;
  TestClient test("redis://" + server.address());
  test.until_connected();
  const auto reads = [&] {
    return std::stoi(server.info({"INFO", "stats"}, "total_reads_processed"));
  };
  const int before = reads();
  std::vector<std::shared_ptr<std::optional<bool>>> results;
  for (int who = 0; who < kCoroutines; ++who) {
    results.push_back(test.loop.begin(increment(*test.client, who, kTimes)));
  }
  for (const auto& result : results) {
    test.loop.until([&] { return result->has_value(); });
    EXPECT_TRUE(**result);
  }
  EXPECT_LT(reads() - before, kCoroutines * kTimes / 2) << "requests travel together";
  EXPECT_EQ(server.info({"INFO", "clients"}, "connected_clients"), "2") << "and the test's own";
}

TEST(Client, ABoardFitsInARequestAndInAReply) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  std::string board(std::size_t{limits::kCanvasSideMax} * limits::kCanvasSideMax, 'b');
  for (std::size_t i = 0; i < board.size(); i += 1001) board[i] = static_cast<char>(i / 1001);
  ASSERT_EQ(test.say(command("SET", "board", board)), "OK");
  const auto reply = test.ask_one(command("GET", "board"));
  ASSERT_TRUE(reply.ok());
  EXPECT_TRUE(reply->text == board);
}

TEST(Client, WaitsForTheServerToComeUp) {
  RedisServer server;
  server.kill();
  TestClient test("redis://" + server.address());
  const auto answer = test.loop.begin(test.client->ask_one(command("PING"), 20s));
  test.loop.until([&] { return test.told.lines.size() == 1; });
  server.start();
  test.loop.until([&] { return answer->has_value(); });
  EXPECT_TRUE((*answer)->ok());
  EXPECT_EQ(test.told.all(),
            '-' + server.address() + ": Connection refused\n+" + server.address() + '\n');
}

TEST(Client, ReachesAUnixSocketAndADatabase) {
  RedisServer server;
  TestClient test("unix://" + server.socket_path() + "?db=3");
  EXPECT_EQ(test.say(command("SET", "k", "v")), "OK");
  EXPECT_EQ(test.client->address(), server.socket_path());
  EXPECT_EQ(server.info({"INFO", "keyspace"}, "db3").substr(0, 6), "keys=1");
  const auto clients = server.call({"CLIENT", "LIST"}).text;
  EXPECT_TRUE(contains(clients, "name=pixel-battle ")) << clients;
  TestClient by_port("redis://" + server.address() + "/3");
  EXPECT_EQ(by_port.say(command("GET", "k")), "v");
}

TEST(Client, LogsInWithAPassword) {
  RedisServer server(RedisServer::Options{.password = "hunter2:@"});
  TestClient test("redis://:hunter2%3A%40@" + server.address());
  EXPECT_EQ(test.say(command("PING")), "PONG");
}

TEST(Client, LogsInAsAUserWhoMayDoLittle) {
  RedisServer server;
  server.call({"ACL", "SETUSER", "player", "on", ">hunter2", "~canvas*", "+set"});
  TestClient test("redis://player:hunter2@" + server.address(), "canvas");
  EXPECT_EQ(test.say(command("SET", "canvas", 1)), "OK");
  const auto refused = test.ask_one(command("GET", "canvas"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, Failure::not_applied);
  EXPECT_EQ(refused.error().code, "NOPERM");
}

TEST(Client, AWrongPasswordIsToldOnceAndClearly) {
  RedisServer server(RedisServer::Options{.password = "right"});
  const std::pair<const char*, const char*> rows[] = {{":hunter2@", ": WRONGPASS invalid"},
                                                      {"nobody:hunter2@", ": WRONGPASS invalid"},
                                                      {"", ": NOAUTH Authentication required."}};
  for (const auto& [login, expected] : rows) {
    TestClient test(std::string("redis://") + login + server.address());
    const auto answer = test.say(command("PING"), 500ms);
    EXPECT_TRUE(contains(answer, "not_applied: no connection: " + server.address() + expected))
        << answer;
    ASSERT_EQ(test.told.lines.size(), 1U) << test.told.all();
    EXPECT_TRUE(contains(test.told.lines[0], server.address() + expected)) << test.told.all();
    EXPECT_FALSE(contains(test.told.all() + answer, "hunter2"));
  }
}

TEST(Client, AReplicaIsNoMaster) {
  RedisServer master;
  RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  TestClient test("redis://" + replica.address());
  const auto answer = test.say(command("SET", "k", 1), 500ms);
  EXPECT_TRUE(contains(answer, "not_applied: ") && contains(answer, "is a replica")) << answer;
  EXPECT_EQ(test.told.lines.size(), 1U) << test.told.all();
  replica.call({"REPLICAOF", "NO", "ONE"});
  EXPECT_EQ(test.say(command("SET", "k", 1)), "OK");
}

TEST(Client, LeavesAMasterThatHasBecomeAReplica) {
  RedisServer other;
  RedisServer server;
  TestClient test("redis://" + server.address());
  EXPECT_EQ(test.say(command("SET", "k", 1)), "OK");
  server.call({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
  const auto reply = test.ask({command("SET", "k", 2), command("PING")}, 5s);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, "READONLY");
  EXPECT_EQ(reply.error().kind, Failure::unknown) << "PING was answered, and might be anything";
  test.loop.until([&] { return test.told.lines.size() >= 3; });
  EXPECT_TRUE(contains(test.told.all(), "\n-" + server.address() + ": READONLY"))
      << test.told.all();
  EXPECT_TRUE(contains(test.told.all(), "is a replica")) << test.told.all();
  EXPECT_EQ(test.client->address(), "");
}

TEST(Client, RefusesMoreThanItMayHold) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  const auto big =
      test.ask_one(command("SET", "k", std::string(limits::kRedisBytesInFlightMax, 'x')));
  ASSERT_FALSE(big.ok());
  EXPECT_EQ(big.error().kind, Failure::not_applied);
  server.suspend();
  std::vector<std::shared_ptr<std::optional<base::Result<Reply, Error>>>> answers;
  for (std::size_t i = 0; i <= limits::kRedisAsksMax; ++i) {
    answers.push_back(test.loop.begin(test.client->ask_one(command("INCR", "n"), 10s)));
  }
  test.loop.until([&] { return answers.back()->has_value(); });
  EXPECT_EQ((*answers.back())->error().kind, Failure::not_applied);
  server.resume();
  for (std::size_t i = 0; i < limits::kRedisAsksMax; ++i) {
    test.loop.until([&] { return answers[i]->has_value(); });
    ASSERT_TRUE((*answers[i])->ok());
  }
  EXPECT_EQ(test.say(command("GET", "n")), std::to_string(limits::kRedisAsksMax));
}

TEST(Client, StopEndsWhateverIsUnderWay) {
  RedisServer server;
  TestClient test("redis://" + server.address());
  test.until_connected();
  server.suspend();
  const auto sent = test.loop.begin(test.client->ask_one(command("INCR", "n"), 10s));
  test.loop.settle();
  test.client->stop();
  const auto lines = test.told.lines;
  test.loop.run(test.client->stopped());
  test.loop.until([&] { return sent->has_value(); });
  ASSERT_FALSE((*sent)->ok());
  EXPECT_EQ((*sent)->error().kind, Failure::unknown);
  EXPECT_EQ(test.say(command("PING")), "not_applied: stopped");
  EXPECT_EQ(test.told.lines, lines) << "no callback after stop()";
  server.resume();
}

TEST(Client, StopEndsWhoWaitsForAConnection) {
  RedisServer server;
  server.kill();
  TestClient test("redis://" + server.address());
  const auto waiting = test.loop.begin(test.client->ask_one(command("PING"), 10s));
  test.loop.until([&] { return !test.told.lines.empty(); });
  test.client->stop();
  test.loop.until([&] { return waiting->has_value(); });
  ASSERT_FALSE((*waiting)->ok());
  EXPECT_EQ((*waiting)->error().message, "stopped");
  test.loop.run(test.client->stopped());
}

asio::awaitable<void> ignore(asio::awaitable<base::Result<Reply, Error>> answer) {
  static_cast<void>(co_await std::move(answer));
}

TEST(Client, MayGoAtAnyTimeWithItsLoop) {
  RedisServer server;
  for (int steps = 0; steps < 40; ++steps) {
    asio::io_context io;
    Client client(
        io.get_executor(),
        ClientOptions{.url = url_of("redis://" + server.address()), .key = "k", .on_state = {}});
    asio::co_spawn(io, ignore(client.ask_one(command("PING"), 10s)), asio::detached);
    for (int i = 0; i < steps; ++i) io.run_one_for(1ms);
  }
  EXPECT_TRUE(support::eventually([&] {
    return server.info({"INFO", "clients"}, "connected_clients") == "1";
  }));
}

}  // namespace
}  // namespace redis
