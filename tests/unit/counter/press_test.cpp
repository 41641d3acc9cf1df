// The rules of one press, and which names there may be.
#include "counter/press.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace counter {
namespace {

Refusal refusal(const Answer& answer) { return std::get<Refused>(answer).reason; }

TEST(Press, IncrementAddsOne) {
  EXPECT_EQ(pressed(Verb::increment, 0), Answer(Counted{1}));
  EXPECT_EQ(pressed(Verb::increment, kValueMax - 1), Answer(Counted{kValueMax}));
}

TEST(Press, DecrementTakesOneAway) {
  EXPECT_EQ(pressed(Verb::decrement, 1), Answer(Counted{0}));
  EXPECT_EQ(pressed(Verb::decrement, kValueMax), Answer(Counted{kValueMax - 1}));
}

TEST(Press, ResetMakesZeroOfAnything) {
  EXPECT_EQ(pressed(Verb::reset, 0), Answer(Counted{0}));
  EXPECT_EQ(pressed(Verb::reset, kValueMax), Answer(Counted{0}));
}

TEST(Press, NothingGoesBelowZeroOrBeyondTheHighest) {
  EXPECT_EQ(refusal(pressed(Verb::decrement, 0)), Refusal::at_zero);
  EXPECT_EQ(refusal(pressed(Verb::increment, kValueMax)), Refusal::overflow);
}

TEST(CounterName, TakesLettersDigitsAndThreeMarks) {
  const std::vector<std::string> names{"default", "A", "9", "a.b-c_D", "...", std::string(64, 'x')};
  for (const auto& name : names) EXPECT_TRUE(is_valid_name(name)) << name;
}

TEST(CounterName, TakesNothingElse) {
  const std::vector<std::string> names{"",  ".",     "..",  "a b",   "a/b",
                                       "é", "a%20b", "a\n", "a\x7F", std::string(65, 'x')};
  for (const auto& name : names) EXPECT_FALSE(is_valid_name(name)) << name;
}

}  // namespace
}  // namespace counter
