// One shard of the streams: the newest event of a topic to everyone who follows it.
#include "net/stream_hub.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace net {
namespace {

service::TopicEvent event(service::Topic topic, std::uint64_t version, const std::string& text) {
  return {.topic = topic, .version = version, .bytes = std::make_shared<const std::string>(text)};
}

class NoStreams final : public service::Streams {
 public:
  std::vector<service::TopicEvent> take_changed() override { return {}; }
  service::TopicEvent newest(service::Topic topic) override { return event(topic, 7, "newest"); }

 private:
  void leave(service::Topic /*topic*/) override {}
};

/// A client at the end of a socket pair, who remembers what it is told besides.
class Client final : public StreamSubscriber {
 public:
  Client() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair_.data()), 0); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() override {
    ::close(pair_[0]);
    ::close(pair_[1]);
  }

  void keep(const wire::SharedBytes& bytes, std::size_t sent, bool broken) override {
    kept.push_back(bytes->substr(sent));
    failed = broken;
  }
  void miss() override { ++missed; }

  [[nodiscard]] int socket() const { return pair_[0]; }
  std::string received() {
    std::string bytes(1024, '\0');
    const auto size = ::recv(pair_[1], bytes.data(), bytes.size(), 0);
    return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  }
  void hang_up() { ::shutdown(pair_[1], SHUT_RDWR); }

  std::vector<std::string> kept;
  bool failed = false;
  int missed = 0;

 private:
  std::array<int, 2> pair_{};
};

class StreamShardTest : public testing::Test {
 protected:
  ops::CounterMetrics metrics{"test"};
  NoStreams streams;
  StreamShard shard{streams, metrics};
};

TEST_F(StreamShardTest, BringsAnEventToWhoeverFollowsItsTopic) {
  Client one;
  Client two;
  shard.add(one, 1);
  shard.add(two, 2);
  shard.follow(one, one.socket(), 0);
  shard.follow(two, two.socket(), 0);
  shard.deliver({event(1, 1, "a"), event(2, 1, "b"), event(3, 1, "nobody's")});
  EXPECT_EQ(one.received(), "a");
  EXPECT_EQ(two.received(), "b");
}

TEST_F(StreamShardTest, NeverGoesBackBehindWhatAClientHas) {
  Client client;
  shard.add(client, 1);
  shard.follow(client, client.socket(), 7);  // it got the newest when it came
  shard.deliver({event(1, 6, "older"), event(1, 7, "the same"), event(1, 8, "newer")});
  EXPECT_EQ(client.received(), "newer");
}

TEST_F(StreamShardTest, TellsWhoDoesNotFollowThatItMissedSomething) {
  Client client;
  shard.add(client, 1);
  shard.deliver({event(1, 1, "a")});
  EXPECT_EQ(client.missed, 1);
  shard.follow(client, client.socket(), 0);
  shard.unfollow(client);
  shard.deliver({event(1, 2, "b")});
  EXPECT_EQ(client.missed, 2);
  EXPECT_EQ(client.received(), "");
}

TEST_F(StreamShardTest, HandsOverWhatTheSocketDoesNotTake) {
  Client client;
  shard.add(client, 1);
  shard.follow(client, client.socket(), 0);
  const std::string large(8 << 20, 'x');
  shard.deliver({event(1, 1, large)});
  ASSERT_EQ(client.kept.size(), 1U);
  EXPECT_LT(client.kept[0].size(), large.size());
  EXPECT_FALSE(client.failed);
}

TEST_F(StreamShardTest, SaysWhenAClientHasGone) {
  Client client;
  shard.add(client, 1);
  shard.follow(client, client.socket(), 0);
  client.hang_up();
  shard.deliver({event(1, 1, "a")});
  EXPECT_TRUE(client.failed);
}

TEST_F(StreamShardTest, OthersStayWhenOneLeaves) {
  Client one;
  Client two;
  Client three;
  for (auto* client : {&one, &two, &three}) {
    shard.add(*client, 1);
    shard.follow(*client, client->socket(), 0);
  }
  shard.remove(one);
  shard.deliver({event(1, 1, "a")});
  EXPECT_EQ(one.received(), "");
  EXPECT_EQ(two.received(), "a");
  EXPECT_EQ(three.received(), "a");
  shard.remove(three);
  shard.remove(two);
  shard.deliver({event(1, 2, "b")});
}

TEST_F(StreamShardTest, KnowsTheNewestOfAClientsTopic) {
  Client client;
  shard.add(client, 5);
  EXPECT_EQ(shard.newest(client).topic, 5U);
  EXPECT_EQ(*shard.newest(client).bytes, "newest");
}

}  // namespace
}  // namespace net
