// The journal's contract, over Redis.
#include "tests/contract/journal_contract.hpp"
#include "tests/contract/redis_backend.hpp"

namespace contract {

INSTANTIATE_TEST_SUITE_P(Redis, JournalContract,
                         testing::Values(Kind{"redis",
                                              [] { return std::make_unique<RedisBackend>(); }}),
                         kind_name);

}  // namespace contract
