// How a Redis server keeps what it is told, as its INFO and CONFIG say.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "base/result.hpp"
#include "redis/client.hpp"
#include "redis/confirmers.hpp"

namespace redis {

struct Durability {
  bool synced = false;  // every write is on disk before it is answered
  ReplicaSet online;    // replicas that follow the server closely
};

/// Of the server that the client is connected to.
boost::asio::awaitable<base::Result<Durability, Error>> ask_durability(Client& client);

/// The replicas that follow the server closely.
boost::asio::awaitable<base::Result<ReplicaSet, Error>> ask_online(Client& client);

/// Whether everything that this connection could have read is with a replica too, where there are
/// any: a failover cannot take it back then. `write` is a command that writes something, since
/// WAIT speaks of what its own connection has written last.
boost::asio::awaitable<base::Result<bool, Error>> ask_replicated(Client& client, Command write);

/// The replicas in the text of INFO replication that are in step with the master.
ReplicaSet online_in(std::string_view text);

}  // namespace redis
