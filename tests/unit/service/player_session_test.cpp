// One player's conversation, message by message, as docs/protocol.md tells it.
#include "service/player_session.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/limits.hpp"
#include "tests/unit/service/fakes.hpp"

namespace service {
namespace {

using canvas::Refusal;
using wire::CloseCode;

class PlayerSessionTest : public ::testing::Test, protected FakeGame {
 protected:
  PlayerMetrics player_metrics{metrics};
  std::shared_ptr<FakeOutlet> outlet = std::make_shared<FakeOutlet>();
  std::unique_ptr<PlayerSession> session =
      std::make_unique<PlayerSession>(game, player_metrics, *outlet);

  void say(const wire::ClientMessage& message) { session->on_message(wire::encode(message)); }

  template <class Message>
  Message next() {
    return outlet->next<Message>();
  }

  void greet() {
    say(wire::Hello{});
    next<wire::Welcome>();
  }

  void sign_in(const std::string& token) { say(wire::SignIn{base::ProducerId{9}, token}); }

  void greet_and_sign_in() {
    greet();
    sign_in(token_of(anya));
    next<wire::SignedIn>();
  }

  void place(std::uint32_t sequence) {
    say(wire::Place{.sequence = sequence, .x = 1, .y = 2, .color = 3});
  }

  static canvas::Accepted accepted_at(std::uint64_t offset) {
    return {{kStart.epoch, offset}, {3, 5000}};
  }
};

TEST_F(PlayerSessionTest, HelloIsAnsweredByWelcome) {
  say(wire::Hello{});
  const auto welcome = next<wire::Welcome>();
  EXPECT_EQ(welcome.version, 1);
  EXPECT_EQ(welcome.width, 20);
  EXPECT_EQ(welcome.height, 10);
  EXPECT_EQ(welcome.palette.size(), 32U);
  EXPECT_EQ(welcome.cooldown_ms, 5000U);
  EXPECT_EQ(welcome.charges_max, 5);
  EXPECT_FALSE(welcome.frozen);
  EXPECT_TRUE(welcome.guests);
  EXPECT_FALSE(welcome.telegram);
  EXPECT_EQ(welcome.position, kStart);
  EXPECT_EQ(welcome.digest, digest_at(41));
  EXPECT_EQ(welcome.served_by, "pixel-1");
  EXPECT_EQ(outlet->greetings, 1) << "counted as a player";
}

TEST_F(PlayerSessionTest, HelloComesFirst) {
  say(wire::Ping{1});
  EXPECT_EQ(outlet->closed, CloseCode::malformed);
  EXPECT_TRUE(outlet->sent.empty());
  EXPECT_EQ(outlet->greetings, 0);
}

TEST_F(PlayerSessionTest, HelloComesOnce) {
  greet();
  say(wire::Hello{});
  EXPECT_EQ(outlet->closed, CloseCode::malformed);
  EXPECT_EQ(outlet->greetings, 1);
}

TEST_F(PlayerSessionTest, AVersionThatIsNotSpokenIsAnsweredWithItsCloseCode) {
  say(wire::Hello{.version = 2});
  EXPECT_EQ(outlet->closed, CloseCode::version);
  EXPECT_EQ(outlet->greetings, 0);
}

TEST_F(PlayerSessionTest, AMalformedMessageEndsTheConversation) {
  greet();
  session->on_message("\x04half a place");
  EXPECT_EQ(outlet->closed, CloseCode::malformed);
}

TEST_F(PlayerSessionTest, ResumeWhereItStandsMakesTheClientLive) {
  greet();
  say(wire::Resume{kStart, digest_at(41)});
  EXPECT_EQ(outlet->live_at, 41U);
  EXPECT_TRUE(outlet->sent.empty()) << "the delta is the feed's to send";
}

TEST_F(PlayerSessionTest, ResumeElsewhereNeedsASnapshotAndEndsTheFeed) {
  greet();
  const std::vector<std::pair<wire::Resume, wire::SnapshotReason>> cases = {
      {{{kStart.epoch + 1, 41}, digest_at(41)}, wire::SnapshotReason::other_epoch},
      {{{kStart.epoch, 40}, digest_at(40)}, wire::SnapshotReason::too_old},
      {{{kStart.epoch, 41}, digest_at(40)}, wire::SnapshotReason::digest},
      {{{kStart.epoch, 42}, digest_at(42)}, wire::SnapshotReason::ahead}};
  for (const auto& [resume, why] : cases) {
    say(wire::Resume{kStart, digest_at(41)});
    ASSERT_TRUE(outlet->live_at.has_value());
    say(resume);
    const auto needed = next<wire::SnapshotNeeded>();
    EXPECT_EQ(needed.why, why);
    EXPECT_EQ(needed.position, kStart);
    EXPECT_FALSE(outlet->live_at.has_value()) << "no longer live";
  }
}

TEST_F(PlayerSessionTest, PingIsAnsweredWithItsNonceAndTheTime) {
  greet();
  const auto before = static_cast<std::uint64_t>(base::wall_ms());
  say(wire::Ping{287'454'020});
  const auto pong = next<wire::Pong>();
  EXPECT_EQ(pong.nonce, 287'454'020U);
  EXPECT_GE(pong.time_ms, before);
}

TEST_F(PlayerSessionTest, SignInNamesThePersonAndTheirCharges) {
  greet();
  sign_in(token_of(anya));
  const auto signed_in = next<wire::SignedIn>();
  EXPECT_EQ(signed_in.person, anya.id);
  EXPECT_EQ(signed_in.name, anya.name);
  EXPECT_EQ(signed_in.charges, 4);
  EXPECT_EQ(signed_in.next_charge_ms, 1500U);
}

TEST_F(PlayerSessionTest, SignInWorksEvenIfTheJournalIsTooBusyToBeAsked) {
  journal.too_busy = true;
  greet();
  sign_in(token_of(anya));
  const auto signed_in = next<wire::SignedIn>();
  EXPECT_EQ(signed_in.person, anya.id);
  EXPECT_EQ(signed_in.charges, 5) << "the next placement will tell";
}

TEST_F(PlayerSessionTest, SignInWithABadTokenIsRefusedAndForgetsThePerson) {
  greet_and_sign_in();
  sign_in("v1.a.b");
  EXPECT_EQ(next<wire::SignInRefused>().reason, wire::SignInReason::invalid);
  place(1);
  EXPECT_EQ(next<wire::RefusedMessage>().reason, Refusal::not_signed_in);

  sign_in(token_of(anya, -1));
  EXPECT_EQ(next<wire::SignInRefused>().reason, wire::SignInReason::expired);
}

TEST_F(PlayerSessionTest, PlacingBeforeSigningInIsRefused) {
  greet();
  place(5);
  const auto refused = next<wire::RefusedMessage>();
  EXPECT_EQ(refused.sequence, 5U);
  EXPECT_EQ(refused.reason, Refusal::not_signed_in);
  EXPECT_TRUE(journal.asked.empty());
}

TEST_F(PlayerSessionTest, PlacingAfterTheTokenExpiredIsRefused) {
  constexpr std::int64_t kLifeMs = 300;
  greet();
  const auto expires_at_ms = base::wall_ms() + kLifeMs;
  sign_in(token_of(anya, kLifeMs));
  next<wire::SignedIn>();
  std::this_thread::sleep_for(std::chrono::milliseconds(expires_at_ms + 2 - base::wall_ms()));
  place(1);
  EXPECT_EQ(next<wire::RefusedMessage>().reason, Refusal::not_signed_in);
}

TEST_F(PlayerSessionTest, APlacementGoesToTheJournalAsThePersonAndProducerSignedIn) {
  greet_and_sign_in();
  place(7);
  ASSERT_EQ(journal.asked.size(), 1U);
  const auto& operation = journal.asked.front().operation;
  EXPECT_EQ(operation.person, anya.id);
  EXPECT_EQ(operation.producer, base::ProducerId{9});
  EXPECT_EQ(operation.sequence, 7U);
  EXPECT_EQ(operation.x, 1);
  EXPECT_EQ(operation.y, 2);
  EXPECT_EQ(operation.color, 3);
}

TEST_F(PlayerSessionTest, APlacementIsAnsweredWhenTheJournalHasDecided) {
  greet_and_sign_in();
  place(1);
  outlet->run_posted();
  EXPECT_TRUE(outlet->sent.empty());
  EXPECT_FALSE(session->settled());
  journal.answer(accepted_at(42));
  const auto accepted = next<wire::AcceptedMessage>();
  EXPECT_EQ(accepted.sequence, 1U);
  EXPECT_EQ(accepted.offset, 42U);
  EXPECT_EQ(accepted.charges, 3);
  EXPECT_EQ(accepted.next_charge_ms, 5000U);
  EXPECT_TRUE(session->settled());

  place(2);
  journal.answer(canvas::Refused{Refusal::cooldown, 4000, {0, 4000}});
  const auto refused = next<wire::RefusedMessage>();
  EXPECT_EQ(refused.sequence, 2U);
  EXPECT_EQ(refused.reason, Refusal::cooldown);
  EXPECT_EQ(refused.wait_ms, 4000U);
}

TEST_F(PlayerSessionTest, APixelOutsideIsRefusedAndSettled) {
  greet_and_sign_in();
  say(wire::Place{.sequence = 1, .x = 20, .y = 0, .color = 0});
  EXPECT_EQ(next<wire::RefusedMessage>().reason, Refusal::outside);
  say(wire::Place{.sequence = 2, .x = 0, .y = 0, .color = 32});
  EXPECT_EQ(next<wire::RefusedMessage>().reason, Refusal::bad_color);
  EXPECT_TRUE(session->settled());
}

TEST_F(PlayerSessionTest, AtMostEightPlacementsAreUnanswered) {
  static_assert(base::limits::kUnansweredMax == 8);
  greet_and_sign_in();
  for (std::uint32_t sequence = 1; sequence <= 9; ++sequence) place(sequence);
  EXPECT_EQ(journal.asked.size(), 8U);
  const auto refused = next<wire::RefusedMessage>();
  EXPECT_EQ(refused.sequence, 9U);
  EXPECT_EQ(refused.reason, Refusal::busy);
  EXPECT_GT(refused.wait_ms, 0U);

  journal.answer(accepted_at(42));
  EXPECT_EQ(next<wire::AcceptedMessage>().sequence, 1U);
  place(9);
  EXPECT_EQ(journal.asked.size(), 8U) << "an answer makes room for one more";
  while (!journal.asked.empty()) journal.answer(accepted_at(43));
  outlet->run_posted();
  EXPECT_TRUE(session->settled());
}

TEST_F(PlayerSessionTest, WhoPlacesTooOftenIsToldToWait) {
  greet_and_sign_in();
  std::optional<wire::RefusedMessage> refused;
  for (std::uint32_t sequence = 1; sequence <= 500 && !refused; ++sequence) {
    place(sequence);
    if (journal.asked.empty()) {
      refused = next<wire::RefusedMessage>();
    } else {
      journal.answer(accepted_at(41 + sequence));
      next<wire::AcceptedMessage>();
    }
  }
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->reason, Refusal::busy);
  EXPECT_GT(refused->wait_ms, 0U);
  EXPECT_TRUE(session->settled());
}

/// How many more messages are taken before the connection is closed.
template <class Say>
int taken_before_the_limit(const FakeOutlet& outlet, Say say) {
  int taken = 0;
  for (say(); !outlet.closed && taken < 100'000; say()) ++taken;
  EXPECT_EQ(outlet.closed, CloseCode::limit);
  return taken;
}

TEST_F(PlayerSessionTest, MoreMessagesThanTheLimitEndTheConversation) {
  greet();
  const int taken = taken_before_the_limit(*outlet, [&] { say(wire::Ping{1}); });
  EXPECT_GE(taken, base::limits::kMessagesBurst - 1);
  EXPECT_LT(taken, 100'000);
}

TEST_F(PlayerSessionTest, MessagesThatMakeMoreWorkCountForMore) {
  greet();
  const int taken = taken_before_the_limit(*outlet, [&] {
    say(wire::Resume{kStart, digest_at(41)});
  });
  EXPECT_GE(taken,
            static_cast<int>(base::limits::kMessagesBurst / base::limits::kCostlyMessage) - 1);
  EXPECT_LT(taken, static_cast<int>(base::limits::kMessagesBurst));
}

TEST_F(PlayerSessionTest, AnAnswerAfterTheConnectionIsGoneGoesNowhere) {
  greet_and_sign_in();
  place(1);
  place(2);
  journal.answer(accepted_at(42));  // on its way when the connection ends
  outlet->gone = true;
  session.reset();
  journal.answer(accepted_at(43));  // comes when there is no session any more
  outlet->run_posted();
  EXPECT_TRUE(outlet->sent.empty());
  const std::weak_ptr<FakeOutlet> left = outlet;
  outlet.reset();
  EXPECT_TRUE(left.expired()) << "nothing keeps the connection";
}

TEST_F(PlayerSessionTest, TheChargesOfASignInAfterTheConnectionIsGoneGoNowhere) {
  greet();
  sign_in(token_of(anya));
  outlet->gone = true;
  session.reset();
  outlet->run_posted();
  EXPECT_TRUE(outlet->sent.empty());
}

}  // namespace
}  // namespace service
