// Writes that count only when they are durable: on disk where the server stands alone and syncs
// every write, otherwise with every replica that a failover could make the master. docs/redis.md
// says why, and tests/model/confirm.pml shows that each rule is needed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "redis/client.hpp"
#include "redis/confirmers.hpp"
#include "redis/url.hpp"

namespace redis {

// Commands answer within milliseconds; a node that takes longer has stopped or is far behind.
inline constexpr std::chrono::milliseconds kCallTime{2'000};
// Shorter than a call may take, so that a missing replica is not taken for a dead master.
inline constexpr std::int64_t kConfirmMs = 1'000;

/// Belongs to the client's thread.
class DurableWrites {
 public:
  /// `client` outlives this and serves a Redis of this kind.
  DurableWrites(Client& client, Url::Kind kind) : client_(client), kind_(kind) {}

  /// To be told whenever the client's connection comes or goes: who must confirm is known of one
  /// connection only.
  void connection_changed() { ++connections_; }
  /// How often that was.
  [[nodiscard]] std::uint64_t connections() const { return connections_; }

  /// Learns who must confirm what is written; to be called on every connection before anything is
  /// written (`anew`), and later to forgive who has gone. An Error says why that cannot be known
  /// yet; its message is empty when the client tells of the reason itself.
  boost::asio::awaitable<base::Result<base::Done, Error>> learn(bool anew);

  /// Asks a command that writes, and may be repeated; its reply, when what it wrote is durable. An
  /// Error of kind unknown: ask the same again.
  boost::asio::awaitable<base::Result<Reply, Error>> write(Command command);

  /// To be called twice a second, also when nothing is written, so that no replica comes and is
  /// made the master unseen.
  boost::asio::awaitable<void> look();

  /// Why what is written does not become durable; empty: it does, as far as is known. Ends when a
  /// write has become durable.
  [[nodiscard]] const std::string& doubt() const { return doubt_; }
  /// Neither does the server sync every write nor do replicas confirm: acknowledged writes can be
  /// lost.
  [[nodiscard]] bool is_risky() const { return risky_; }

 private:
  Client& client_;
  const Url::Kind kind_;
  std::uint64_t connections_ = 0;
  Confirmers confirmers_;
  std::string doubt_;
  bool risky_ = false;
};

}  // namespace redis
