// What waits to be written together, taken in its order.
#include "base/gathered.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace base {
namespace {

using Numbers = std::vector<int>;
using Waiting = Gathered<int, std::function<void(int)>>;

class GatheredTest : public testing::Test {
 protected:
  void add(int operation) {
    waiting.add(operation, [this, operation](int answer) {
      told.push_back(operation);
      answers.push_back(answer);
    });
  }
  Waiting waiting;
  Numbers told;
  Numbers answers;
};

TEST_F(GatheredTest, GivesTheOldestFirstAndNoMoreThanAsked) {
  for (const int operation : {1, 2, 3, 4, 5}) add(operation);
  const auto first = waiting.take(3);
  EXPECT_EQ(first.operations, (Numbers{1, 2, 3}));
  EXPECT_EQ(waiting.operations, (Numbers{4, 5}));
  first.answer_all(7);
  EXPECT_EQ(told, (Numbers{1, 2, 3})) << "each its own";
  EXPECT_EQ(answers, (Numbers{7, 7, 7}));
}

TEST_F(GatheredTest, GivesAllWhenThereAreFewer) {
  add(1);
  add(2);
  EXPECT_EQ(waiting.take(2).size(), 2U);
  EXPECT_TRUE(waiting.empty());
  EXPECT_TRUE(waiting.take(2).empty());
}

}  // namespace
}  // namespace base
