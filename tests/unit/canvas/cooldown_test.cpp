// The cooldown's arithmetic.
#include "canvas/cooldown.hpp"

#include <gtest/gtest.h>

namespace canvas {
namespace {

constexpr std::int64_t kNow = 1'790'000'000'000;
constexpr Rules kRules{.cooldown_ms = 1'000, .charges_max = 3};

TEST(Cooldown, SomeoneNewHasAllCharges) { EXPECT_EQ(charges_at(kRules, 0, kNow), (Charges{3, 0})); }

TEST(Cooldown, SpendingCountsDownToNothing) {
  std::int64_t full = 0;
  full = spend_charge(kRules, full, kNow);
  EXPECT_EQ(charges_at(kRules, full, kNow), (Charges{2, 1'000}));
  full = spend_charge(kRules, full, kNow);
  EXPECT_EQ(charges_at(kRules, full, kNow), (Charges{1, 1'000}));
  full = spend_charge(kRules, full, kNow);
  EXPECT_EQ(charges_at(kRules, full, kNow), (Charges{0, 1'000}));
}

TEST(Cooldown, AChargeComesBackEveryCooldown) {
  const std::int64_t full = kNow + 3'000;  // all spent
  EXPECT_EQ(charges_at(kRules, full, kNow + 999), (Charges{0, 1}));
  EXPECT_EQ(charges_at(kRules, full, kNow + 1'000), (Charges{1, 1'000}));
  EXPECT_EQ(charges_at(kRules, full, kNow + 1'001), (Charges{1, 999}));
  EXPECT_EQ(charges_at(kRules, full, kNow + 2'999), (Charges{2, 1}));
  EXPECT_EQ(charges_at(kRules, full, kNow + 3'000), (Charges{3, 0}));
}

TEST(Cooldown, SpendingOneChargeDoesNotDelayAnother) {
  std::int64_t full = spend_charge(kRules, 0, kNow);
  full = spend_charge(kRules, full, kNow + 400);
  EXPECT_EQ(charges_at(kRules, full, kNow + 400), (Charges{1, 600}));
  EXPECT_EQ(charges_at(kRules, full, kNow + 1'000).left, 2U);
  EXPECT_EQ(charges_at(kRules, full, kNow + 2'000), (Charges{3, 0}));
}

TEST(Cooldown, ChargesDoNotPileUpBeyondTheMaximum) {
  const std::int64_t full = spend_charge(kRules, kNow - 100'000, kNow);
  EXPECT_EQ(charges_at(kRules, full, kNow), (Charges{2, 1'000}));
}

TEST(Cooldown, NoCooldownMeansAlwaysAll) {
  constexpr Rules none{.cooldown_ms = 0, .charges_max = 3};
  EXPECT_EQ(charges_at(none, kNow + 50'000, kNow), (Charges{3, 0}));
  EXPECT_EQ(spend_charge(none, 0, kNow), kNow);
}

TEST(Cooldown, AfterTheMaximumWasLoweredTheWaitIsUntilTheFirstUsableCharge) {
  constexpr Rules lowered{.cooldown_ms = 1'000, .charges_max = 1};
  const std::int64_t full = kNow + 2'500;  // three were spent under charges_max = 3
  const Charges charges = charges_at(lowered, full, kNow);
  EXPECT_EQ(charges, (Charges{0, 2'500}));
  EXPECT_EQ(charges_at(lowered, full, kNow + charges.next_charge_ms).left, 1U);
  EXPECT_EQ(charges_at(lowered, full, kNow + charges.next_charge_ms - 1).left, 0U);
}

TEST(Cooldown, TheLongestCooldownDoesNotOverflow) {
  constexpr Rules longest{.cooldown_ms = 86'400'000, .charges_max = 1'000};
  std::int64_t full = 0;
  for (int i = 0; i < 1'000; ++i) full = spend_charge(longest, full, kNow);
  EXPECT_EQ(charges_at(longest, full, kNow), (Charges{0, 86'400'000}));
}

}  // namespace
}  // namespace canvas
