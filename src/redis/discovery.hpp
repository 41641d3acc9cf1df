// Finds the master that serves a key and logs in there: the one address, the master that the
// sentinels name, or the owner of the key's slot in the cluster.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "redis/command.hpp"
#include "redis/connection.hpp"
#include "redis/error.hpp"
#include "redis/mastership.hpp"
#include "redis/url.hpp"

namespace redis {

/// Where MOVED and ASK point to ("MOVED 866 host:port"; an empty host is the one that said it).
std::optional<Address> redirection(const Reply& error, const Address& from);

/// Lives on the scope's thread and must outlive its own coroutines.
class Discovery {
 public:
  using Found = base::Result<std::shared_ptr<Connection>, Error>;

  /// Throws std::runtime_error when a file of the URL's TLS options cannot be used.
  Discovery(std::shared_ptr<Scope> scope, Url url, std::string key, std::string name);

  /// A connection to the present master, logged in, that has answered for the key; or why there is
  /// none (not_applied). One call at a time.
  asio::awaitable<Found> connect();
  /// A connection to that node, logged in, whatever its role.
  asio::awaitable<Found> connect_to(Address address);
  /// Whether a node that answers as a master is the one. May run beside connect().
  asio::awaitable<Mastership> mastership_of(Address node);
  /// What a MOVED said: connect() looks there first.
  void moved_to(Address address) { hint_ = std::move(address); }

 private:
  asio::awaitable<Found> by_sentinels();
  asio::awaitable<Found> in_cluster();
  asio::awaitable<Found> follow(Address address);
  asio::awaitable<Found> master_at(Address address);
  struct Poll;
  struct View;
  static bool is_behind(const View& a, const View& b);
  asio::awaitable<Mastership> ownership_of(Address node);
  asio::awaitable<void> ask_sentinels(Poll& poll);
  asio::awaitable<void> ask_sentinel(Address sentinel, Poll& poll);
  asio::awaitable<base::Result<View, Error>> view_of(Connection& sentinel);
  asio::awaitable<base::Result<Address, Error>> owner_by(Address node);
  asio::awaitable<Found> open(Address address, std::chrono::milliseconds time);
  asio::awaitable<base::Result<Replies, Error>> say(Connection& connection,
                                                    const std::vector<Command>& commands,
                                                    std::chrono::milliseconds time);
  std::optional<Address> learn(const Reply& slots, const Address& from);

  std::shared_ptr<Scope> scope_;
  Url url_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::string key_;
  std::string name_;
  std::deque<Address> nodes_;  // the server, the sentinels or the cluster's nodes; next one first
  std::optional<Address> hint_;
  std::uint64_t config_epoch_ = 0;  // by which the sentinels named the master found last
};

}  // namespace redis
