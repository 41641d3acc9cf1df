// When a subscription counts as mute.
#include "redis_store/echo.hpp"

#include <gtest/gtest.h>

namespace redis_store {
namespace {

using std::chrono::milliseconds;

constexpr Echo::Time kBegin{std::chrono::hours(1)};
constexpr milliseconds kEvery{500};

TEST(Echo, IsNotMuteWhileItsBeatsComeBackOneLate) {
  Echo echo;
  echo.listen_anew(kBegin);
  auto late = echo.next();
  for (int i = 1; i < 20; ++i) {
    const auto beat = echo.next();
    EXPECT_FALSE(echo.is_mute(kBegin + i * kEvery));
    echo.hear(late, kBegin + i * kEvery);
    late = beat;
  }
}

TEST(Echo, IsMuteOnceWithinOneAndAHalfSeconds) {
  Echo echo;
  echo.listen_anew(kBegin);
  echo.hear(echo.next(), kBegin);
  int mute_ms = 0;
  for (int i = 1; i <= 4; ++i) {
    echo.next();
    if (!echo.is_mute(kBegin + i * kEvery)) continue;
    EXPECT_EQ(mute_ms, 0) << "told twice";
    mute_ms = static_cast<int>((i * kEvery).count());
  }
  EXPECT_GT(mute_ms, 500);
  EXPECT_LE(mute_ms, 1'500);
}

}  // namespace
}  // namespace redis_store
