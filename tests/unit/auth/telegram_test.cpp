// Telegram sign-in over the golden vectors, and what they do not cover; guests.
#include "auth/telegram.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace auth {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNowMs = 1'767'225'600'000;
const std::string kBotToken = "7342037359:AAH-a-token-for-tests";

json::array vectors() {
  std::ifstream file("tests/vectors/telegram.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return json::parse(text).as_array();
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

/// `check` is the sorted, decoded form; the fields are sent as they are, so they need no decoding.
std::string signed_init_data(const std::string& user) {
  const auto check = "auth_date=1767225600\nuser=" + user;
  const auto secret = base::hmac_sha256("WebAppData", kBotToken);
  return "auth_date=1767225600&user=" + user +
         "&hash=" + base::to_hex(base::hmac_sha256(secret, check));
}

base::Result<Person, InitDataError> verify_user(const std::string& user) {
  return TelegramVerifier(kBotToken, 3600).verify(signed_init_data(user), kNowMs);
}

TEST(TelegramVectors, AllGiveWhatIsExpected) {
  const auto all = vectors();
  ASSERT_GE(all.size(), 40U);
  for (const auto& vector : all) {
    SCOPED_TRACE(text_of(vector.at("name")));
    const TelegramVerifier verifier(text_of(vector.at("bot_token")),
                                    vector.at("age_max_s").to_number<std::int64_t>());
    const auto now_ms = base::parse_number<std::int64_t>(text_of(vector.at("now_ms")));
    const auto verified = verifier.verify(text_of(vector.at("init_data")), now_ms.value());
    const auto& expected = vector.at("expected").as_object();
    if (const auto* person = expected.if_contains("person")) {
      ASSERT_TRUE(verified.ok());
      EXPECT_EQ(std::to_string(base::number(verified->id)), text_of(person->at("id")));
      EXPECT_EQ(verified->name, text_of(person->at("name")));
    } else {
      ASSERT_FALSE(verified.ok());
      const bool expired = expected.at("error") == "expired";
      EXPECT_EQ(verified.error(), expired ? InitDataError::expired : InitDataError::invalid);
    }
  }
}

TEST(TelegramVerifier, AcceptsWhatItSigned) {
  const auto person = verify_user(R"({"id":5,"first_name":"Anna"})");
  ASSERT_TRUE(person.ok());
  EXPECT_EQ(*person, (Person{base::PersonId{5}, "Anna"}));
}

TEST(TelegramVerifier, KeepsControlCharactersOutOfNames) {
  const auto person = verify_user(R"({"id":5,"first_name":"\u0007An\nna\u0000 "})");
  ASSERT_TRUE(person.ok());
  EXPECT_EQ(person->name, "An na");
}

TEST(TelegramVerifier, RefusesHugeAndDeepInput) {
  const std::string deep =
      R"({"id":5,"first_name":)" + std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_FALSE(verify_user(deep).ok());
  EXPECT_FALSE(
      verify_user(R"({"id":5,"x":")" + std::string(base::limits::kAuthBodyBytesMax, 'x') + "\"}")
          .ok());
}

TEST(TelegramVerifier, RefusesEmptyFields) {
  const auto good = signed_init_data(R"({"id":5})");
  EXPECT_TRUE(TelegramVerifier(kBotToken, 3600).verify(good, kNowMs).ok());
  EXPECT_FALSE(TelegramVerifier(kBotToken, 3600).verify(good + '&', kNowMs).ok());
  EXPECT_FALSE(TelegramVerifier(kBotToken, 3600).verify('&' + good, kNowMs).ok());
}

TEST(Guests, HaveDifferentNegativeIdsOf52Bits) {
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto guest = new_guest();
    const auto id = base::number(guest.id);
    EXPECT_LT(id, 0);
    EXPECT_GT(id, -(std::int64_t{1} << 52));
    EXPECT_EQ(guest.name.size(), 10U);
    EXPECT_TRUE(guest.name.starts_with("Guest ")) << guest.name;
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace auth
