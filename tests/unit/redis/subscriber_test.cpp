// The subscriber and one real server.
#include "redis/subscriber.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/redis/fixture.hpp"

namespace redis {
namespace {

struct TestSubscriber {
  explicit TestSubscriber(const RedisServer& server, const std::string& login = "") {
    subscriber = std::make_unique<Subscriber>(
        loop.executor(), SubscriberOptions{.url = url_of("redis://" + login + server.address()),
                                           .key = "k",
                                           .channel = "the channel",
                                           .on_state = told.listener(),
                                           .on_message = [this](std::string_view message) {
                                             EXPECT_EQ(told.lines.back().front(), '+');
                                             messages.emplace_back(message);
                                             if (on_message) on_message();
                                           }});
  }
  ~TestSubscriber() {
    subscriber->stop();
    loop.run(subscriber->stopped());
  }
  void until_connected(std::size_t times) {
    loop.until([&] { return told.count('+') == times; });
  }
  void until_messages(std::size_t count) {
    loop.until([&] { return messages.size() >= count; });
  }

  support::Loop loop;
  Told told;
  std::vector<std::string> messages;
  std::function<void()> on_message;
  std::unique_ptr<Subscriber> subscriber;
};

void publish(const RedisServer& server, const std::string& message) {
  EXPECT_EQ(server.call({"PUBLISH", "the channel", message}).integer, 1);
}

TEST(Subscriber, GetsWhatIsPublishedInOrder) {
  RedisServer server;
  TestSubscriber test(server);
  test.until_connected(1);
  const std::string big(1'000'000, 'x');
  const std::vector<std::string> expected{"1", "", std::string("\0\r\n", 3), big, "5"};
  for (const auto& message : expected) publish(server, message);
  server.call({"PUBLISH", "another", "6"});
  publish(server, "7");
  test.until_messages(6);
  EXPECT_EQ(std::vector(test.messages.begin(), test.messages.end() - 1), expected);
  EXPECT_EQ(test.messages.back(), "7");
}

TEST(Subscriber, ComesBackAfterTheServerDied) {
  RedisServer server;
  TestSubscriber test(server);
  test.until_connected(1);
  server.kill();
  test.loop.until([&] { return test.told.count('-') > 0; });
  server.start();
  test.until_connected(2);
  publish(server, "hello");
  test.until_messages(1);
}

TEST(Subscriber, IsMadeAgainWhenSomebodyFindsItMute) {
  RedisServer server;
  TestSubscriber test(server);
  test.until_connected(1);
  server.suspend();
  test.subscriber->restart();
  test.loop.until([&] { return test.told.count('-') > 0; });
  server.resume();
  test.until_connected(2);
  publish(server, "only once, for the old subscription is gone");
  test.until_messages(1);
  EXPECT_EQ(test.told.lines[1], '-' + server.address() + ": restarted");
}

TEST(Subscriber, SaysThatItMayNotSubscribe) {
  RedisServer server;
  server.call({"ACL", "SETUSER", "player", "on", ">pw", "~*", "+@all", "resetchannels"});
  TestSubscriber test(server, "player:pw@");
  test.loop.until([&] { return !test.told.lines.empty(); });
  EXPECT_EQ(test.told.lines[0].substr(0, test.told.lines[0].find("NOPERM")),
            '-' + server.address() + ": ");
}

TEST(Subscriber, MayBeStoppedByWhatItTells) {
  RedisServer server;
  TestSubscriber test(server);
  test.on_message = [&] { test.subscriber->stop(); };
  test.until_connected(1);
  server.call({"EVAL", "for i = 1, 10 do redis.call('PUBLISH', 'the channel', i) end", "0"});
  test.until_messages(1);
  test.loop.run(test.subscriber->stopped());
  EXPECT_EQ(test.messages, std::vector<std::string>{"1"});
  EXPECT_EQ(test.told.lines.size(), 1U) << test.told.all();
}

}  // namespace
}  // namespace redis
