// Keeps one connection to the master: finds it, tells when it comes and goes, and finds it again,
// ever more patiently while there is none.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "redis/discovery.hpp"

namespace redis {

/// Told when the connection comes (`why` is then the node's address) and goes. While there is none
/// it is told again only for a reason that was not told yet.
using OnState = std::function<void(bool connected, const std::string& why)>;

/// Full jitter: any time up to a bound that doubles, from kRedisBackoffMinMs to kRedisBackoffMaxMs.
class Backoff {
 public:
  Backoff();
  std::chrono::milliseconds next();
  void reset();

 private:
  std::int64_t bound_ms_;
  std::minstd_rand random_;
};

/// Lives on the scope's thread.
class Keeper : public std::enable_shared_from_this<Keeper> {
 public:
  struct Hooks {
    OnState on_state;
    /// What is said on a new connection before it counts as connected; may be empty.
    std::function<asio::awaitable<base::Status>(std::shared_ptr<Connection>)> greet;
    std::function<void()> on_connected;  // may be empty
  };

  Keeper(std::shared_ptr<Scope> scope, Url url, std::string key, const std::string& name,
         Hooks hooks);

  /// `owner` is what the hooks use; it lives until the last of them has returned.
  void start(std::shared_ptr<void> owner);
  /// The connection, if there is one that takes requests.
  [[nodiscard]] std::shared_ptr<Connection> connection() const;
  /// The same, also while it is being greeted.
  [[nodiscard]] std::shared_ptr<Connection> latest() const { return connection_; }
  /// Why there is no connection.
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] Discovery& discovery() { return discovery_; }
  /// Whether the connection is to the master that is meant; gives it up if it is not.
  static asio::awaitable<Mastership> check_mastership(std::shared_ptr<Keeper> self);
  /// Tells that the latest connection is there, if that was not told yet.
  void announce();

 private:
  static asio::awaitable<void> run(std::shared_ptr<Keeper> self, std::shared_ptr<void> owner);
  asio::awaitable<base::Status> connect();
  void miss(const std::string& why);

  std::shared_ptr<Scope> scope_;
  Hooks hooks_;
  Discovery discovery_;
  Backoff backoff_;
  std::shared_ptr<Connection> connection_;
  bool connected_ = false;
  std::string why_ = "not connected yet";
  std::set<std::string> told_;  // since there is no connection
};

}  // namespace redis
