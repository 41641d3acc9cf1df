// The journal's contract, over Redis, and what only a shared canvas has: an operator who turns the
// knobs while it is open.
#include "journal/redis/knobs.hpp"

#include <future>
#include <vector>

#include "tests/contract/journal_contract.hpp"
#include "tests/contract/redis_backend.hpp"

namespace contract {

INSTANTIATE_TEST_SUITE_P(Redis, JournalContract,
                         testing::Values(Kind{"redis",
                                              [] { return std::make_unique<RedisBackend>(); }}),
                         kind_name);

TEST(RedisJournal, WhoListensHearsOnceOfRulesThatHaveChanged) {
  support::RedisServer server{durable()};
  auto options = redis_options(server, {.rules = {.cooldown_ms = 1'000, .charges_max = 3}});
  std::vector<canvas::Rules> heard;  // on the journal's thread; looked at when that has ended
  std::promise<void> thawed;
  options.observers.on_rules = [&](const canvas::Rules& rules) {
    heard.push_back(rules);
    if (!rules.frozen) thawed.set_value();
  };
  RunningJournal journal(journal::make_redis(options));
  journal::Knobs knobs(options.url, options.channel);

  ASSERT_TRUE(knobs.change_rules({.cooldown_ms = 1'000}));
  ASSERT_TRUE(knobs.change_rules({.frozen = true}));
  EXPECT_EQ(refusal(journal.ask(place(1, 1))), canvas::Refusal::frozen);
  ASSERT_TRUE(knobs.change_rules({.cooldown_ms = 2'000, .frozen = false}));
  EXPECT_TRUE(is_accepted(journal.ask(place(1, 1))));
  wait(thawed.get_future());
  journal->stop();
  const canvas::Rules frozen{.cooldown_ms = 1'000, .charges_max = 3, .frozen = true};
  const canvas::Rules slower{.cooldown_ms = 2'000, .charges_max = 3};
  EXPECT_EQ(heard, (std::vector{frozen, slower}));
}

}  // namespace contract
