// The result type.
#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace base {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{"odd"};
  return number / 2;
}

TEST(Result, HoldsAValue) {
  const auto result = half(4);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(*result, 2);
}

TEST(Result, HoldsAnError) {
  const auto result = half(3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "odd");
}

TEST(Result, ReadingTheMissingSideThrows) {
  EXPECT_THROW(static_cast<void>(half(3).value()), std::bad_variant_access);
  EXPECT_THROW(static_cast<void>(half(4).error()), std::bad_variant_access);
}

TEST(Result, GivesAwayWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Status, SucceedsWithNothingToSay) { EXPECT_TRUE(Status(Done{}).ok()); }

}  // namespace
}  // namespace base
