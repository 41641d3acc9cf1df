// The ledger's contract over Redis, and what only a shared ledger has: others who press.
#include "ledger/redis/redis_ledger.hpp"

#include "loop/event_loop.hpp"
#include "tests/contract/ledger_contract.hpp"
#include "tests/support/redis_server.hpp"

namespace contract {
namespace {

/// One server that keeps what it is told.
class RedisLedgerBackend final : public LedgerBackend {
 public:
  std::unique_ptr<ledger::Ledger> open() override {
    ledger::RedisOptions options;
    options.url = redis::Url::parse("redis://" + server_.address()).value();
    options.rebuild_wait = std::chrono::milliseconds(10);
    options.start_wait = std::chrono::seconds(20);
    return ledger::make_redis(std::move(options), loop_.io());
  }
  support::RedisServer& server() { return server_; }

 private:
  loop::EventLoop loop_{[](const std::string& bug) { ADD_FAILURE() << bug; }};
  support::RedisServer server_{{"--appendonly", "yes", "--appendfsync", "always"}};
};

INSTANTIATE_TEST_SUITE_P(Redis, LedgerContract,
                         testing::Values(LedgerKind{
                             "redis", [] { return std::make_unique<RedisLedgerBackend>(); }}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace contract
