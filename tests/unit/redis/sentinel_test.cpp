// The client and the subscriber under Redis Sentinel.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/redis_topology.hpp"
#include "tests/unit/redis/fixture.hpp"

namespace redis {
namespace {

TEST(Sentinel, FollowsTheMaster) {
  support::SentinelGroup group;
  TestClient test(group.url());
  EXPECT_EQ(test.say(command("SET", "k", 1)), "OK");
  EXPECT_EQ(test.client->address(), group.master->address());

  std::vector<std::string> messages;
  Told told;
  Subscriber subscriber(
      test.loop.executor(),
      SubscriberOptions{.url = url_of(group.url()),
                        .key = "k",
                        .channel = "c",
                        .on_state = told.listener(),
                        .on_message = [&](std::string_view m) { messages.emplace_back(m); }});
  test.loop.until([&] { return !told.lines.empty(); });

  group.sentinels[0]->kill();
  group.master->kill();
  test.until_disconnected();
  EXPECT_EQ(test.say(command("SET", "k", 2), 15s), "OK");
  EXPECT_EQ(test.client->address(), group.replica->address());
  test.loop.until([&] { return told.count('+') == 2; });
  EXPECT_EQ(test.say(command("PUBLISH", "c", "hello")), "1");
  test.loop.until([&] { return messages.size() == 1; });
  subscriber.stop();
  test.loop.run(subscriber.stopped());
}

/// A sentinel that names that master, as of so many failovers; it knows no other sentinel.
RedisServer::Options sentinel_naming(const RedisServer& master, int config_epoch) {
  const auto at = "127.0.0.1 " + std::to_string(master.port());
  return {.sentinel = "sentinel monitor m " + at + " 1\nsentinel config-epoch m " +
                      std::to_string(config_epoch) + "\n"};
}

Mastership check(TestClient& test) {
  std::optional<Mastership> found;
  const auto ask = [&]() -> boost::asio::awaitable<void> {
    found = co_await test.client->check_mastership();
  };
  test.loop.run(ask());
  return found.value();
}

TEST(Sentinel, AMasterHoldsItsPlaceAsLongAsMostSentinelsSaySoAndNoneDoubtsIt) {
  support::SentinelGroup group;
  TestClient test(group.url());
  EXPECT_EQ(test.say(command("PING")), "PONG");
  EXPECT_EQ(check(test), Mastership::held);
  group.sentinels[1]->kill();
  EXPECT_EQ(check(test), Mastership::held);
  group.sentinels[0]->kill();
  EXPECT_EQ(check(test), Mastership::doubted) << "one of three says too little";
}

TEST(Sentinel, BelievesTheOneThatKnowsOfTheLastFailover) {
  RedisServer left;
  RedisServer present;
  RedisServer behind(sentinel_naming(left, 3));
  RedisServer newest(sentinel_naming(present, 4));
  for (const auto& both :
       {behind.address() + "," + newest.address(), newest.address() + "," + behind.address()}) {
    TestClient test("redis+sentinel://" + both + "/m");
    EXPECT_EQ(test.say(command("PING")), "PONG");
    EXPECT_EQ(test.client->address(), present.address());
  }
}

TEST(Sentinel, LeavesALivingMasterForTheOneThatIsNamedNow) {
  RedisServer left;
  RedisServer present;
  RedisServer behind(sentinel_naming(left, 3));
  RedisServer newest(sentinel_naming(present, 4));
  newest.kill();
  TestClient test("redis+sentinel://" + behind.address() + "," + newest.address() + "/m");
  EXPECT_EQ(test.say(command("PING")), "PONG");
  EXPECT_EQ(check(test), Mastership::doubted) << "only one of two sentinels can be asked";
  EXPECT_EQ(test.client->address(), left.address());

  newest.start();
  EXPECT_EQ(check(test), Mastership::lost);
  test.until_disconnected();
  EXPECT_EQ(test.say(command("PING")), "PONG");
  EXPECT_EQ(test.client->address(), present.address());
}

TEST(Sentinel, SaysWhatIsWrong) {
  RedisServer sentinel(RedisServer::Options{.sentinel = "sentinel monitor known 127.0.0.1 " +
                                                        std::to_string(support::free_port()) +
                                                        " 1\n"});
  const auto asked = [](const std::string& url) {
    TestClient test(url);
    return test.say(command("PING"), 500ms);
  };
  auto answer = asked("redis+sentinel://" + sentinel.address() + "/unknown");
  EXPECT_TRUE(contains(answer, sentinel.address() + ": knows no master of that name")) << answer;
  answer = asked("redis://" + sentinel.address());
  EXPECT_TRUE(contains(answer, "is a sentinel: use redis+sentinel://")) << answer;
  answer = asked("redis+sentinel://" + sentinel.address() + "/known");
  EXPECT_TRUE(contains(answer, "Connection refused")) << answer;
  sentinel.kill();
  answer = asked("redis+sentinel://" + sentinel.address() + "/known");
  EXPECT_TRUE(contains(answer, "sentinel " + sentinel.address() + ": Connection refused"))
      << answer;
}

TEST(Sentinel, LogsInAtTheSentinelToo) {
  RedisServer master(RedisServer::Options{.password = "master's"});
  const auto port = std::to_string(master.port());
  RedisServer sentinel(RedisServer::Options{
      .password = "sentinel's", .sentinel = "sentinel monitor m 127.0.0.1 " + port + " 1\n"});
  const auto url = "redis+sentinel://:master%27s@" + sentinel.address() + "/m";
  TestClient without(url);
  EXPECT_TRUE(
      contains(without.say(command("PING"), 500ms), "sentinel " + sentinel.address() + ": NOAUTH"));
  TestClient with(url + "?sentinel_password=sentinel%27s");
  EXPECT_EQ(with.say(command("PING")), "PONG");
}

}  // namespace
}  // namespace redis
