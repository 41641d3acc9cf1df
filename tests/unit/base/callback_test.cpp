#include "base/callback.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

namespace {

using base::Callback;

TEST(Callback, CallsWhatItHolds) {
  int sum = 0;
  const Callback<void(int)> add = [&sum](int number) { sum += number; };
  add(3);
  add(4);
  EXPECT_EQ(sum, 7);
}

TEST(Callback, HoldsWhatCannotBeCopied) {
  std::string said;
  auto text = std::make_unique<std::string>("once");
  const Callback<void()> speak = [&said, text = std::move(text)] { said += *text; };
  speak();
  EXPECT_EQ(said, "once");
}

TEST(Callback, MovesAndLeavesNothingBehind) {
  int calls = 0;
  Callback<void()> first = [&calls] { ++calls; };
  Callback<void()> second = std::move(first);
  EXPECT_FALSE(first);
  ASSERT_TRUE(second);
  second();
  first = std::move(second);
  EXPECT_FALSE(second);
  first();
  EXPECT_EQ(calls, 2);
}

TEST(Callback, LetsGoOfWhatItHeldExactlyOnce) {
  const auto held = std::make_shared<int>(1);
  {
    Callback<void()> first = [held] {};
    EXPECT_EQ(held.use_count(), 2);
    Callback<void()> second = std::move(first);
    EXPECT_EQ(held.use_count(), 2);
    second = [] {};
    EXPECT_EQ(held.use_count(), 1);
    second = [held] {};
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Callback, HoldsAsMuchAsItPromises) {
  std::array<char, Callback<void()>::kBytes - sizeof(void*)> much{};
  much.back() = 'z';
  char last = 0;
  Callback<void()> callback = [much, &last] { last = much.back(); };
  Callback<void()>(std::move(callback))();
  EXPECT_EQ(last, 'z');
}

}  // namespace
