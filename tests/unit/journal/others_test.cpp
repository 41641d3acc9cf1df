// Who else lives.
#include "journal/redis/others.hpp"

#include <gtest/gtest.h>

namespace journal {
namespace {

using std::chrono::milliseconds;

constexpr Others::Time kBegin{std::chrono::hours(1)};

Presence from(std::uint64_t replica, std::uint32_t online) {
  return {.replica = replica, .number = 1, .online = online};
}

TEST(Others, AddUpAndAreForgottenWhenTheyAreSilent) {
  Others others;
  EXPECT_EQ(others.online(), 0U);
  others.hear(from(8, 10), kBegin);
  others.hear(from(9, 5), kBegin + milliseconds(4'000));
  others.hear(from(8, 11), kBegin + milliseconds(4'000));
  EXPECT_EQ(others.online(), 16U);
  others.hear(from(9, 6), kBegin + milliseconds(9'000));
  others.forget_silent(kBegin + milliseconds(9'000));
  EXPECT_EQ(others.online(), 17U);
  others.forget_silent(kBegin + milliseconds(9'001));
  EXPECT_EQ(others.online(), 6U);
}

}  // namespace
}  // namespace journal
