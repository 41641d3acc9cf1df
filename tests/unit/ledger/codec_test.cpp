// What a batch of presses is in Redis's words, how its answers are handed out, and what is
// published.
#include "ledger/redis/codec.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ledger {
namespace {

using counter::Answer;
using counter::Counted;
using counter::Press;
using counter::Refusal;
using counter::Refused;
using counter::Verb;

using Presses = std::vector<Press>;
using Arguments = std::vector<std::string>;
using Answers = std::vector<Answer>;

const std::string kOne(40, '1');
const std::string kTwo(40, '2');

Answer refused(Refusal reason) { return Refused{.reason = reason}; }

TEST(Batch, CombinesThePressesWithoutKeysOfACounter) {
  const Presses presses{{"a", Verb::increment, ""}, {"b", Verb::reset, ""},
                        {"a", Verb::decrement, ""}, {"a", Verb::increment, "k"},
                        {"a", Verb::increment, ""}, {"b", Verb::decrement, "l"}};
  EXPECT_EQ(Batch(presses).arguments(), (Arguments{"2", "a", "2", "1", "0", "b", "0", "0", "1",  //
                                                   "k", "a", "i", "l", "b", "d"}));
  EXPECT_EQ(Batch({}).arguments(), Arguments{"0"});
}

TEST(Batch, HandsEveryIncrementAValueOfItsOwn) {
  const Presses presses{{"a", Verb::increment, ""}, {"a", Verb::increment, ""},
                        {"a", Verb::decrement, ""}, {"a", Verb::increment, ""},
                        {"a", Verb::decrement, ""}, {"a", Verb::reset, ""}};
  EXPECT_EQ(Batch(presses).answers("3 10 2 8"),
            (Answers{Counted{8}, Counted{9}, Counted{9}, Counted{10}, Counted{8}, Counted{0}}));
}

TEST(Batch, RefusesWhatDidNotFit) {
  const Presses presses{{"a", Verb::increment, ""},
                        {"a", Verb::increment, ""},
                        {"b", Verb::decrement, ""},
                        {"b", Verb::decrement, ""}};
  EXPECT_EQ(Batch(presses).answers("1 9223372036854775807 0 9223372036854775807\n0 1 1 0"),
            (Answers{Counted{counter::kValueMax}, refused(Refusal::overflow), Counted{0},
                     refused(Refusal::at_zero)}));
  EXPECT_EQ(Batch(presses).answers("-\n-"), Answers(4, refused(Refusal::too_many_counters)));
}

TEST(Batch, ReadsTheAnswersOfPressesWithKeys) {
  const Presses presses{{"a", Verb::increment, "1"}, {"a", Verb::increment, "2"},
                        {"a", Verb::decrement, "3"}, {"a", Verb::increment, "4"},
                        {"a", Verb::increment, "5"}, {"b", Verb::increment, ""}};
  EXPECT_EQ(
      Batch(presses).answers("1 7 0 7\nc 5\no\nz\nr\nt"),
      (Answers{Counted{5}, refused(Refusal::overflow), refused(Refusal::at_zero),
               refused(Refusal::key_reused), refused(Refusal::too_many_counters), Counted{7}}));
}

TEST(Batch, TakesNoAnswersToAnotherBatch) {
  const Presses presses{{"a", Verb::increment, ""}, {"a", Verb::increment, "k"}};
  const Batch batch(presses);
  EXPECT_TRUE(batch.answers("1 1 0 1\nc 2"));
  for (const auto* text :
       {"", "1 1 0 1", "1 1 0 1\n", "1 1 0 1\nc 2\nc 3", "2 2 0 2\nc 2", "1 1 1 1\nc 2",
        "x 1 0 1\nc 2", "1 1 0\nc 2", "1 1 0 1\nq", "1 1 0 1\nc", "1 1 0 1\nc 2x"}) {
    EXPECT_FALSE(batch.answers(text)) << text;
  }
}

TEST(Change, IsWhatWasPublished) {
  const auto change = decode_change("c 2 7 " + kOne + " " + kTwo + "\na 3\nb-1 0\n");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->base_digest, kOne);
  EXPECT_EQ(change->at, (Standing{2, 7, kTwo}));
  EXPECT_EQ(change->counters, (std::vector<Counter>{{"a", 3}, {"b-1", 0}}));
}

TEST(Change, IsNothingElse) {
  const auto head = "c 2 7 " + kOne + " " + kTwo + "\n";
  for (const auto& text :
       {std::string(), std::string("b 12"), "c x 7 " + kOne + " " + kTwo + "\na 3\n",
        "c 2 x " + kOne + " " + kTwo + "\na 3\n", "c 2 7 " + kOne + "\na 3\n",
        "c 7 short " + kTwo + "\na 3\n", head + "a\n", head + "a x\n", head + "a -1\n",
        head + "a/b 1\n", head + "a 9223372036854775808\n"}) {
    EXPECT_FALSE(decode_change(text)) << text;
  }
}

}  // namespace
}  // namespace ledger
