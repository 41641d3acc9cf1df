// Admission: how many may be connected, in all and from one address.
#include "net/admission.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "base/clock.hpp"

namespace net {
namespace {

using Place = Admission::Place;
using Refusal = Admission::Refusal;

constexpr double kNoRate = 0;

std::optional<Place> admitted(Admission& admission, const std::string& address) {
  auto answer = admission.admit(address);
  if (auto* place = std::get_if<Place>(&answer)) return std::move(*place);
  return std::nullopt;
}

Refusal refusal(Admission& admission, const std::string& address) {
  return std::get<Refusal>(admission.admit(address));
}

TEST(Admission, LimitsConnectionsInAll) {
  Admission admission(2, 0, kNoRate);
  auto first = admitted(admission, "192.0.2.1");
  const auto second = admitted(admission, "192.0.2.2");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(refusal(admission, "192.0.2.3"), Refusal::total_limit);
  first.reset();
  EXPECT_TRUE(admitted(admission, "192.0.2.3").has_value()) << "a place was given back";
}

TEST(Admission, LimitsConnectionsFromOneAddress) {
  Admission admission(100, 2, kNoRate);
  auto first = admitted(admission, "192.0.2.1");
  const auto second = admitted(admission, "192.0.2.1");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(refusal(admission, "192.0.2.1"), Refusal::address_limit);
  EXPECT_TRUE(admitted(admission, "192.0.2.2").has_value()) << "others are not disturbed";
  first.reset();
  EXPECT_TRUE(admitted(admission, "192.0.2.1").has_value());
}

TEST(Admission, WhoIsRefusedTakesNoPlace) {
  Admission admission(2, 1, kNoRate);
  const auto first = admitted(admission, "192.0.2.1");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(refusal(admission, "192.0.2.1"), Refusal::address_limit);
  EXPECT_TRUE(admitted(admission, "192.0.2.2").has_value());
}

TEST(Admission, AnAddressLimitOfZeroIsNone) {
  Admission admission(100, 0, kNoRate);
  std::vector<Place> places;
  for (int i = 0; i < 100; ++i) {
    auto place = admitted(admission, "192.0.2.1");
    ASSERT_TRUE(place.has_value());
    places.push_back(std::move(*place));
  }
}

TEST(Admission, AProxyCountsInTheTotalOnly) {
  Admission admission(3, 1, kNoRate);
  std::vector<Place> places;
  for (int i = 0; i < 3; ++i) {
    auto place = admitted(admission, "");
    ASSERT_TRUE(place.has_value());
    places.push_back(std::move(*place));
  }
  EXPECT_EQ(refusal(admission, ""), Refusal::total_limit);
}

TEST(Admission, AMovedPlaceIsGivenBackOnce) {
  Admission admission(1, 1, kNoRate);
  auto first = admitted(admission, "192.0.2.1");
  {
    const Place moved = std::move(*first);
    first.reset();
    EXPECT_EQ(refusal(admission, "192.0.2.2"), Refusal::total_limit) << "still taken";
  }
  Place kept;
  kept = std::move(admitted(admission, "192.0.2.2")).value();
  EXPECT_EQ(refusal(admission, "192.0.2.3"), Refusal::total_limit);
  kept = Place();
  EXPECT_TRUE(admitted(admission, "192.0.2.3").has_value());
}

TEST(Admission, APlaceFollowsTheClientThatTheProxySpeaksFor) {
  Admission admission(10, 1, kNoRate);
  auto behind_proxy = admitted(admission, "");
  ASSERT_TRUE(admission.move_to(*behind_proxy, "192.0.2.1"));
  EXPECT_TRUE(admission.move_to(*behind_proxy, "192.0.2.1")) << "it is there already";
  EXPECT_EQ(refusal(admission, "192.0.2.1"), Refusal::address_limit);

  ASSERT_TRUE(admission.move_to(*behind_proxy, "192.0.2.2"));
  const auto first = admitted(admission, "192.0.2.1");
  EXPECT_TRUE(first.has_value()) << "it has left that address";
  EXPECT_FALSE(admission.move_to(*behind_proxy, "192.0.2.1"));
  EXPECT_EQ(refusal(admission, "192.0.2.2"), Refusal::address_limit) << "and stays where it was";

  behind_proxy.reset();
  EXPECT_TRUE(admitted(admission, "192.0.2.2").has_value());
}

TEST(Admission, RequestsMayComeInBurstsOfTwiceTheRate) {
  Admission admission(10, 10, 5);
  const auto now_ns = base::steady_ns();
  int taken = 0;
  while (taken < 100 && admission.requests().take("192.0.2.1", now_ns) == 0) ++taken;
  EXPECT_EQ(taken, 10);
}

}  // namespace
}  // namespace net
