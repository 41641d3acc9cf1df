// A client of Redis: one connection to the master that serves a key, found again whenever it is
// lost, on which any number of coroutines ask at the same time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "redis/command.hpp"
#include "redis/error.hpp"
#include "redis/mastership.hpp"
#include "redis/reply.hpp"
#include "redis/url.hpp"

namespace redis {

struct ClientOptions {
  Url url;
  /// The master that serves this key is meant. All keys that the client is used with must share
  /// its hash tag.
  std::string key;
  std::string name = "pixel-battle";  // of the connection, in Redis's CLIENT LIST
  /// On the executor: the connection has come (`why` is the node's address) or gone. Once a
  /// change; while there is no connection again only for a reason that was not told yet.
  std::function<void(bool connected, const std::string& why)> on_state;
};

/// Everything happens on the executor, which one thread runs: the members are called there, or
/// before it runs. The executor's context must outlive the client.
class Client {
 public:
  using Replies = std::vector<Reply>;

  /// Connects from now on. Throws std::runtime_error when a file of the URL's TLS options cannot
  /// be used.
  Client(const boost::asio::any_io_executor& executor, ClientOptions options);
  ~Client();  // stop()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends the commands in one piece, in order, on one connection, and gives one reply for each.
  /// Waits for a connection, but no longer than `time` for everything. Error replies are replies,
  /// except those by which the node says that it is not the right one or not ready
  /// (Meaning::wrong_node): then the whole request fails, and the right node is looked for.
  /// After MOVED and ASK the request is sent there, when nothing of it was applied.
  ///
  /// An Error of kind not_applied: nothing of the request was applied or will be. A command that
  /// was not answered in time, or was answered beside others that were not applied: unknown. When
  /// a request is not answered in time, the connection is given up, for everybody.
  boost::asio::awaitable<base::Result<Replies, Error>> ask(std::vector<Command> commands,
                                                           std::chrono::milliseconds time);
  /// For one command. Its error reply is an Error too.
  boost::asio::awaitable<base::Result<Reply, Error>> ask_one(Command command,
                                                             std::chrono::milliseconds time);

  /// Asks the sentinels, or another node of the cluster, whether the node that the client is
  /// connected to is still the master; if another one is, the client changes to that.
  boost::asio::awaitable<Mastership> check_mastership();

  /// The node that the client is connected to, as "host:port" or a path; empty without one.
  [[nodiscard]] std::string address() const;

  /// Ends everything: who waits gets an Error at once. No callback from then on.
  void stop();
  /// Returns when stop() was called and every coroutine of the client, and every ask(), has ended.
  [[nodiscard]] boost::asio::awaitable<void> stopped();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace redis
