// The journal over a real Redis for tests: one server that keeps what it is told.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "journal/redis/redis_journal.hpp"
#include "tests/contract/backend.hpp"
#include "tests/support/redis_server.hpp"

namespace contract {

/// AOF as an acknowledgement needs it.
inline support::RedisServer::Arguments durable() {
  return {"--appendonly", "yes", "--appendfsync", "always"};
}

inline journal::RedisOptions redis_options(const support::RedisServer& server,
                                           const Settings& settings = {}) {
  journal::RedisOptions options;
  options.url = redis::Url::parse("redis://" + server.address()).value();
  options.size = settings.size;
  options.blank_color = settings.blank_color;
  options.rules = settings.rules;
  options.rebuild_wait = std::chrono::milliseconds(10);
  options.start_wait = std::chrono::seconds(20);
  return options;
}

class RedisBackend final : public Backend {
 public:
  std::unique_ptr<journal::Journal> open(const Settings& settings) override {
    return journal::make_redis(redis_options(server_, settings));
  }
  bool set_clock(std::int64_t) override { return false; }

 private:
  support::RedisServer server_{durable()};
};

}  // namespace contract
