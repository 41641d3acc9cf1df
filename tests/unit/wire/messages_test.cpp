// What the vectors do not show: the limits of single fields, and answers as messages.
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "wire/protocol.hpp"

namespace wire {
namespace {

using base::limits::kTokenBytesMax;

std::string sign_in(std::uint64_t producer, const std::string& token) {
  return encode(SignIn{base::ProducerId{producer}, token});
}

TEST(SignIn, TakesTokensUpToTheLimit) {
  EXPECT_TRUE(decode_client(sign_in(1, "t")).has_value());
  EXPECT_TRUE(decode_client(sign_in(1, std::string(kTokenBytesMax, 't'))).has_value());
  EXPECT_FALSE(decode_client(sign_in(1, std::string(kTokenBytesMax + 1, 't'))).has_value());
  EXPECT_FALSE(decode_client(sign_in(1, "")).has_value());
}

TEST(SignIn, NeedsAProducer) { EXPECT_FALSE(decode_client(sign_in(0, "t")).has_value()); }

TEST(Place, CountsItsSequencesFromOne) {
  EXPECT_TRUE(decode_client(encode(Place{.sequence = 1})).has_value());
  EXPECT_FALSE(decode_client(encode(Place{.sequence = 0})).has_value());
}

TEST(AnyMessage, CutShortAnywhereIsMalformed) {
  for (const ClientMessage& message :
       {ClientMessage(Hello{}), ClientMessage(Resume{}), ClientMessage(Place{.sequence = 7}),
        ClientMessage(Ping{7})}) {
    const auto whole = encode(message);
    ASSERT_TRUE(decode_client(whole).has_value());
    EXPECT_FALSE(decode_client(whole + '\0').has_value()) << message.index();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_client(whole.substr(0, size)).has_value()) << message.index();
    }
  }
}

TEST(Answer, AcceptedSaysWhereAndWhatIsLeft) {
  const canvas::Accepted accepted{{.epoch = 9, .offset = 42}, {4, 5000}};
  EXPECT_EQ(encode_answer(7, accepted), encode(AcceptedMessage{7, 42, 4, 5000}));
}

TEST(Answer, RefusedSaysWhyAndHowLong) {
  const canvas::Refused refused{canvas::Refusal::cooldown, 4321, {0, 4321}};
  EXPECT_EQ(encode_answer(7, refused),
            encode(RefusedMessage{7, canvas::Refusal::cooldown, 4321, 0}));
}

TEST(Answer, ManyChargesAreSaidAsTheLargestNumberThatFits) {
  EXPECT_EQ(encode_answer(1, canvas::Accepted{{1, 1}, {70'000, 0}}),
            encode(AcceptedMessage{1, 1, 65'535, 0}));
}

}  // namespace
}  // namespace wire
