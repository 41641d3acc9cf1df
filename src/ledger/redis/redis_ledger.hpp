// The ledger in Redis: any number of programs over one set of counters.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "ledger/ledger.hpp"
#include "redis/url.hpp"

namespace ledger {

struct RedisOptions {
  redis::Url url;
  std::string channel = "counter-app";
  std::string name = "counter-app";  // of the connections, in Redis's CLIENT LIST
  /// How long programs wait for each other when the ledger is gone: who knows most makes it again.
  std::chrono::milliseconds rebuild_wait{1'000};
  /// How long start() waits for the first load; then the ledger starts without, and loads later.
  std::chrono::milliseconds start_wait{5'000};
};

/// Works on `io`, which one thread runs as long as the ledger lives: where that is the thread that
/// serves those who press, a batch leaves when none of them has anything left to say. Connects to
/// nothing yet. The destructor calls stop(). stop() must not be called from a callback.
/// Throws std::runtime_error when a file of the URL's TLS options cannot be used.
std::unique_ptr<Ledger> make_redis(RedisOptions options, boost::asio::io_context& io);

}  // namespace ledger
