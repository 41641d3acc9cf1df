// What HTTP and WebSocket requests have in common: signing in and placing.
#include "service/pixel_battle.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "tests/unit/service/fakes.hpp"

namespace service {
namespace {

TEST(Guests, GetATokenThatVerifies) {
  const FakeGame fake;
  const auto session = fake.game.sign_in_guest();
  ASSERT_TRUE(session.ok());
  EXPECT_GT(session->expires_at_ms, base::wall_ms());
  const auto verified = fake.game.verify(session->token);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->person, session->person);
}

TEST(Guests, CanBeSwitchedOff) {
  auto settings = FakeGame::settings();
  settings.guests = false;
  const FakeGame fake(settings);
  ASSERT_FALSE(fake.game.sign_in_guest().ok());
  EXPECT_EQ(fake.game.sign_in_guest().error(), SignInError::guests_disabled);
}

TEST(Guests, AreLimitedPerAddress) {
  auto settings = FakeGame::settings();
  settings.guests_per_address_per_minute = 30;
  FakeGame fake(settings);
  int guests = 0;
  while (guests < 1000 && fake.game.ask_for_guest("192.0.2.1") == 0) ++guests;
  EXPECT_GE(guests, 60) << "bursts of twice that";
  EXPECT_LT(guests, 1000);
  EXPECT_EQ(fake.game.ask_for_guest("192.0.2.2"), 0);
}

TEST(Guests, AreNotLimitedIfTheLimitIsOff) {
  FakeGame fake;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(fake.game.ask_for_guest("192.0.2.1"), 0);
}

TEST(Telegram, IsOffWithoutABotToken) {
  const FakeGame fake;
  ASSERT_FALSE(fake.game.sign_in_telegram("anything").ok());
  EXPECT_EQ(fake.game.sign_in_telegram("anything").error(), SignInError::telegram_disabled);
}

TEST(Telegram, RefusesWhatItDidNotSign) {
  const FakeGame fake(FakeGame::settings(), auth::TelegramVerifier("1:token", 3600));
  EXPECT_TRUE(fake.game.telegram());
  ASSERT_FALSE(fake.game.sign_in_telegram("anything").ok());
  EXPECT_EQ(fake.game.sign_in_telegram("anything").error(), SignInError::invalid);
}

/// What the rules say before the journal is asked; nullopt if the journal was.
std::optional<canvas::Refusal> refused_at_once(std::int64_t x, std::int64_t y, std::int64_t color) {
  FakeGame fake;
  std::optional<canvas::Refusal> refusal;
  fake.game.place(
      fake.anya, {.producer = base::ProducerId{1}, .sequence = 1, .x = x, .y = y, .color = color},
      [&](const canvas::Answer& answer) { refusal = std::get<canvas::Refused>(answer).reason; });
  EXPECT_EQ(fake.journal.asked.size(), refusal ? 0U : 1U);
  return refusal;
}

TEST(Placing, OnTheCanvasIsForTheJournalToDecide) {
  EXPECT_EQ(refused_at_once(0, 0, 0), std::nullopt);
  EXPECT_EQ(refused_at_once(19, 9, 31), std::nullopt);
}

TEST(Placing, OutsideTheCanvasIsRefused) {
  using enum canvas::Refusal;
  for (const auto& [x, y] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {20, 0}, {0, 10}, {-1, 0}, {0, -1}, {65'536, 0}, {INT64_MAX, INT64_MIN}}) {
    EXPECT_EQ(refused_at_once(x, y, 0), outside) << x << ' ' << y;
  }
}

TEST(Placing, AColourThatThePaletteLacksIsRefused) {
  for (const std::int64_t color : std::vector<std::int64_t>{32, 256, -1, INT64_MAX}) {
    EXPECT_EQ(refused_at_once(0, 0, color), canvas::Refusal::bad_color) << color;
  }
}

TEST(Placing, TellsTheJournalWhoAndWhat) {
  FakeGame fake;
  std::optional<canvas::Answer> answer;
  fake.game.place(fake.anya,
                  {.producer = base::ProducerId{99}, .sequence = 3, .x = 4, .y = 5, .color = 6},
                  [&](const canvas::Answer& given) { answer = given; });
  ASSERT_EQ(fake.journal.asked.size(), 1U);
  const auto& operation = fake.journal.asked.front().operation;
  EXPECT_EQ(operation.person, fake.anya.id);
  EXPECT_EQ(operation.name, fake.anya.name);
  EXPECT_EQ(operation.producer, base::ProducerId{99});
  EXPECT_EQ(operation.sequence, 3U);
  EXPECT_EQ(operation.x, 4);
  EXPECT_EQ(operation.y, 5);
  EXPECT_EQ(operation.color, 6);
  EXPECT_FALSE(answer.has_value()) << "only the journal accepts";
  const canvas::Answer accepted = canvas::Accepted{{7, 42}, {3, 5000}};
  fake.journal.answer(accepted);
  EXPECT_EQ(answer, accepted);
}

TEST(Asking, IsLimitedPerPersonWhateverTheConnection) {
  FakeGame fake;
  int asked = 0;
  while (asked < 1000 && fake.game.ask(fake.anya) == 0) ++asked;
  EXPECT_GE(asked, 2 * base::limits::kRequestsPerPersonPerSecond);
  EXPECT_LT(asked, 1000);
  EXPECT_EQ(fake.game.ask({base::PersonId{8}, "Boris"}), 0) << "others are not disturbed";
}

TEST(RefusalNames, AreThoseOfTheSpecification) {
  using enum canvas::Refusal;
  EXPECT_EQ(name_of(cooldown), "cooldown");
  EXPECT_EQ(name_of(frozen), "frozen");
  EXPECT_EQ(name_of(outside), "outside");
  EXPECT_EQ(name_of(bad_color), "bad_color");
  EXPECT_EQ(name_of(not_signed_in), "not_signed_in");
  EXPECT_EQ(name_of(stale), "stale");
  EXPECT_EQ(name_of(unavailable), "unavailable");
  EXPECT_EQ(name_of(busy), "busy");
  EXPECT_EQ(name_of(banned), "banned");
}

}  // namespace
}  // namespace service
