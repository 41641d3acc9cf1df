// Groups of real Redis servers for tests: a master with a replica under three sentinels, and a
// cluster of three masters.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace support {

inline void must_become_true(const char* what, const std::function<bool()>& holds) {
  if (!eventually(holds)) throw std::runtime_error(std::string("never happened: ") + what);
}

/// A master called `pixel-battle`, its replica, and three sentinels that notice within half a
/// second that it is down.
class SentinelGroup {
 public:
  explicit SentinelGroup(const RedisServer::Arguments& arguments = {}) {
    master = std::make_unique<RedisServer>(arguments);
    auto more = arguments;
    more.insert(more.end(), {"--replicaof", "127.0.0.1 " + std::to_string(master->port())});
    replica = std::make_unique<RedisServer>(more);
    must_become_true("the replica is in step", [this] {
      return replica->info({"INFO", "replication"}, "master_link_status") == "up";
    });
    for (int i = 0; i < 3; ++i) {
      sentinels.push_back(std::make_unique<RedisServer>(RedisServer::Options{
          .sentinel = "sentinel monitor pixel-battle 127.0.0.1 " + std::to_string(master->port()) +
                      " 2\nsentinel down-after-milliseconds pixel-battle 500\n"
                      "sentinel failover-timeout pixel-battle 3000\n"}));
    }
    for (const auto& sentinel : sentinels) {
      must_become_true("the sentinels know each other and the replica", [&] {
        const auto line = sentinel->info({"INFO", "sentinel"}, "master0");
        return line.find("slaves=1,sentinels=3") != std::string::npos;
      });
    }
  }

  [[nodiscard]] std::string url() const {
    std::string text = "redis+sentinel://";
    for (const auto& sentinel : sentinels) {
      text += (sentinel == sentinels.front() ? "" : ",") + sentinel->address();
    }
    return text + "/pixel-battle";
  }

  std::unique_ptr<RedisServer> master;
  std::unique_ptr<RedisServer> replica;
  std::vector<std::unique_ptr<RedisServer>> sentinels;
};

/// Three masters with a third of the slots each, and one replica of each of the first `replicas`.
class ClusterGroup {
 public:
  explicit ClusterGroup(std::size_t replicas = 0) {
    for (std::size_t i = 0; i < kMasters + replicas; ++i) add_node();
    for (std::size_t i = 0; i < kMasters; ++i) {
      const auto first = i * kSlots / kMasters;
      const auto last = (i + 1) * kSlots / kMasters - 1;
      nodes[i]->call({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      nodes[i]->call({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
    }
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      nodes[i]->call({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes[0]->port()),
                      std::to_string(bus_ports_[0])});
    }
    wait_until_whole();
    for (std::size_t i = 0; i < replicas; ++i) {
      const auto& replica = nodes[kMasters + i];
      replica->call({"CLUSTER", "REPLICATE", id(*nodes[i])});
      must_become_true("the replica is in step", [&] {
        return replica->info({"INFO", "replication"}, "master_link_status") == "up" &&
               nodes[i]->info({"INFO", "replication"}, "connected_slaves") == "1";
      });
    }
  }

  [[nodiscard]] std::string url() const {
    std::string text = "redis+cluster://";
    for (const auto& node : nodes) {
      text += (node == nodes.front() ? "" : ",") + node->address();
    }
    return text;
  }

  static std::string id(const RedisServer& node) { return node.call({"CLUSTER", "MYID"}).text; }

  /// The index of the master that a fresh cluster gives the slot to.
  static std::size_t first_owner(std::size_t slot) {
    std::size_t owner = 0;
    while (slot > (owner + 1) * kSlots / kMasters - 1) ++owner;
    return owner;
  }

  std::vector<std::unique_ptr<RedisServer>> nodes;  // masters, then replicas

 private:
  static constexpr std::size_t kMasters = 3;
  static constexpr std::size_t kSlots = 16384;

  void add_node() {
    bus_ports_.push_back(free_port());
    nodes.push_back(std::make_unique<RedisServer>(
        RedisServer::Arguments{"--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                               "--cluster-port", std::to_string(bus_ports_.back())}));
  }

  void wait_until_whole() {
    for (const auto& node : nodes) {
      must_become_true("the cluster is whole", [&] {
        return node->info({"CLUSTER", "INFO"}, "cluster_state") == "ok" &&
               node->info({"CLUSTER", "INFO"}, "cluster_known_nodes") ==
                   std::to_string(nodes.size());
      });
    }
  }

  std::vector<int> bus_ports_;
};

}  // namespace support
