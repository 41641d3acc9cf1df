// Session tokens: who can make them, and what happens to everything else.
#include "auth/token.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace auth {
namespace {

constexpr std::int64_t kVerifiedMs = 1'767'225'600'000;
constexpr std::int64_t kLaterMs = kVerifiedMs + 60'000;
const std::string kKey = "a key of sixteen characters";

Person anya() { return {base::PersonId{7'342'037'359}, "Аня"}; }

/// A token with any payload, correctly signed.
std::string signed_token(std::string_view payload, const std::string& key = kKey) {
  const auto head = "v1." + base::to_base64url(payload);
  const auto mac_key = base::hmac_sha256(key, "pixel-battle session v1");
  return head + '.' + base::to_base64url(base::hmac_sha256(mac_key, head));
}

std::string payload(std::int64_t id, std::int64_t expires_at_ms, std::string_view name) {
  std::string bytes;
  base::put(bytes, id);
  base::put(bytes, expires_at_ms);
  return bytes.append(name);
}

TokenError refusal(const std::string& token) {
  const auto verified = TokenSigner({kKey}).verify(token, kVerifiedMs);
  EXPECT_FALSE(verified.ok()) << token;
  return verified.error();
}

TEST(Token, SaysWhoItWasSignedFor) {
  const TokenSigner signer({kKey});
  const auto verified = signer.verify(signer.sign(anya(), kLaterMs), kVerifiedMs);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->person, anya());
  EXPECT_EQ(verified->expires_at_ms, kLaterMs);
}

TEST(Token, HasTheSpecifiedForm) {
  const auto bytes = payload(7'342'037'359, kLaterMs, "Аня");
  EXPECT_EQ(TokenSigner({kKey}).sign(anya(), kLaterMs), signed_token(bytes));
}

TEST(Token, IsVerifiedByAnyReplicaWithTheKey) {
  const auto token = TokenSigner({kKey}).sign(anya(), kLaterMs);
  EXPECT_TRUE(TokenSigner({kKey}).verify(token, kVerifiedMs).ok());
}

TEST(Token, SurvivesKeyRotationUntilTheOldKeyIsDropped) {
  const auto old_token = TokenSigner({"the old key, long enough"}).sign(anya(), kLaterMs);
  const TokenSigner both({"the new key, long enough", "the old key, long enough"});
  EXPECT_TRUE(both.verify(old_token, kVerifiedMs).ok());
  EXPECT_TRUE(TokenSigner({"the new key, long enough"})
                  .verify(both.sign(anya(), kLaterMs), kVerifiedMs)
                  .ok())
      << "the first key signs";
  EXPECT_FALSE(TokenSigner({"the new key, long enough"}).verify(old_token, kVerifiedMs).ok());
}

TEST(Token, ExpiresAtItsMoment) {
  const TokenSigner signer({kKey});
  const auto token = signer.sign(anya(), kVerifiedMs);
  EXPECT_TRUE(signer.verify(token, kVerifiedMs - 1).ok());
  ASSERT_FALSE(signer.verify(token, kVerifiedMs).ok());
  EXPECT_EQ(signer.verify(token, kVerifiedMs).error(), TokenError::expired);
}

TEST(Token, OfAnotherKeyIsInvalidEvenIfExpired) {
  const auto token = TokenSigner({"some other key, long enough"}).sign(anya(), kVerifiedMs - 1);
  EXPECT_EQ(refusal(token), TokenError::invalid);
}

TEST(Token, ChangedAnywhereIsInvalid) {
  const auto token = TokenSigner({kKey}).sign(anya(), kLaterMs);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refusal(changed), TokenError::invalid) << i;
  }
  EXPECT_EQ(refusal(token + "A"), TokenError::invalid);
  EXPECT_EQ(refusal(token.substr(0, token.size() - 1)), TokenError::invalid);
}

TEST(Token, ThatIsNoneIsInvalid) {
  for (const auto* text : {"", ".", "..", "v1", "v1.", "v1..", "v2.AA.AA", "hello", "v1.AA"}) {
    EXPECT_EQ(refusal(text), TokenError::invalid) << text;
  }
  EXPECT_EQ(refusal(std::string(base::limits::kTokenBytesMax + 1, 'A')), TokenError::invalid);
}

TEST(Token, WithAnImpossiblePersonIsInvalidThoughSigned) {
  constexpr std::int64_t kEnd = std::int64_t{1} << 53;
  EXPECT_TRUE(
      TokenSigner({kKey}).verify(signed_token(payload(kEnd - 1, kLaterMs, "x")), kVerifiedMs).ok());
  EXPECT_TRUE(
      TokenSigner({kKey}).verify(signed_token(payload(1 - kEnd, kLaterMs, "x")), kVerifiedMs).ok());
  for (const auto& bad :
       {payload(0, kLaterMs, "x"), payload(kEnd, kLaterMs, "x"), payload(-kEnd, kLaterMs, "x"),
        payload(1, kLaterMs, ""), payload(1, kLaterMs, "\xff"),
        payload(1, kLaterMs, std::string(base::limits::kNameBytesMax + 1, 'x')),
        std::string("short")}) {
    EXPECT_EQ(refusal(signed_token(bad)), TokenError::invalid) << base::to_hex(bad);
  }
}

TEST(TokenSigner, NeedsAKey) { EXPECT_THROW(TokenSigner({}), std::invalid_argument); }

}  // namespace
}  // namespace auth
