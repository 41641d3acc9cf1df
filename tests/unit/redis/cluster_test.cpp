// The client in a Redis Cluster.
#include <gtest/gtest.h>

#include <string>

#include "redis/slot.hpp"
#include "tests/support/redis_topology.hpp"
#include "tests/unit/redis/fixture.hpp"

namespace redis {
namespace {

using support::ClusterGroup;

const std::string kKey = "{pixel-battle}:v1:state";

TEST(Cluster, FindsTheOwnerOfTheKeyAndFollowsTheSlot) {
  const ClusterGroup cluster;
  const auto slot = std::to_string(slot_of(kKey));
  const auto at = ClusterGroup::first_owner(slot_of(kKey));
  auto& owner = *cluster.nodes[at];
  auto& heir = *cluster.nodes[(at + 1) % 3];
  for (const auto& node : cluster.nodes) {  // whichever is asked first
    TestClient test("redis+cluster://" + node->address(), kKey);
    EXPECT_EQ(test.say(command("SET", kKey, 1)), "OK");
    EXPECT_EQ(test.client->address(), owner.address());
  }

  TestClient test(cluster.url(), kKey);
  EXPECT_EQ(test.say(command("INCR", kKey)), "2");
  heir.call({"CLUSTER", "SETSLOT", slot, "IMPORTING", ClusterGroup::id(owner)});
  owner.call({"CLUSTER", "SETSLOT", slot, "MIGRATING", ClusterGroup::id(heir)});
  const auto new_key = "{pixel-battle}:new";
  const auto replies = test.ask({command("INCR", new_key), command("INCR", new_key)});
  ASSERT_TRUE(replies.ok()) << replies.error().message;
  EXPECT_EQ(replies->at(0).integer, 1) << "ASK: what is not at the owner any more is at the heir";
  EXPECT_EQ(replies->at(1).integer, 2);
  EXPECT_EQ(test.client->address(), owner.address());
  EXPECT_EQ(test.say(command("INCR", kKey)), "3") << "what is, is";

  owner.call({"MIGRATE", "127.0.0.1", std::to_string(heir.port()), kKey, "0", "5000"});
  for (const auto& node : {&heir, &owner}) {
    node->call({"CLUSTER", "SETSLOT", slot, "NODE", ClusterGroup::id(heir)});
  }
  EXPECT_EQ(test.say(command("INCR", kKey)), "4") << "MOVED";
  EXPECT_EQ(test.client->address(), heir.address());
  EXPECT_EQ(test.told.lines.size(), 3U) << test.told.all();
}

TEST(Cluster, FollowsAFailover) {
  const ClusterGroup cluster(ClusterGroup::first_owner(slot_of(kKey)) + 1);
  auto& owner = *cluster.nodes[ClusterGroup::first_owner(slot_of(kKey))];
  auto& replica = *cluster.nodes.back();
  TestClient test("redis+cluster://" + owner.address(), kKey);
  EXPECT_EQ(test.say(command("SET", kKey, 1)), "OK");
  owner.kill();
  test.until_disconnected();
  EXPECT_EQ(test.say(command("SET", kKey, 2), 15s), "OK") << test.told.all();
  EXPECT_EQ(test.client->address(), replica.address());
}

TEST(Cluster, AServerWithoutClusterIsSaidToBeOne) {
  RedisServer server;
  TestClient test("redis+cluster://" + server.address());
  const auto answer = test.say(command("PING"), 500ms);
  EXPECT_NE(answer.find("cluster support disabled"), std::string::npos) << answer;
}

}  // namespace
}  // namespace redis
