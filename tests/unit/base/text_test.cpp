// Text codecs: hexadecimal, base64url, percent-decoding, numbers, UTF-8.
#include "base/text.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"

namespace base {
namespace {

using std::nullopt;

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(from_hex("00Ff1A"), std::string("\x00\xff\x1a", 3));
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesHalfBytesAndOtherCharacters) {
  EXPECT_EQ(from_hex("abc"), nullopt);
  EXPECT_EQ(from_hex("0g"), nullopt);
  EXPECT_EQ(from_hex("0x12"), nullopt);
}

TEST(Hex, SpellsANumberWithExactlySixteenDigits) {
  EXPECT_EQ(to_hex(std::uint64_t{0xBEEF}), "000000000000beef");
  EXPECT_EQ(u64_from_hex("ffffffffffffffff"), UINT64_MAX);
  EXPECT_EQ(u64_from_hex("000000000000BEEF"), 0xBEEFU);
  EXPECT_EQ(u64_from_hex("beef"), nullopt);
  EXPECT_EQ(u64_from_hex("0000000000000beef"), nullopt);
  EXPECT_EQ(u64_from_hex("00000000 000beef"), nullopt);
}

TEST(Base64Url, GivesTheTextsOfRfc4648WithoutPadding) {
  EXPECT_EQ(to_base64url(""), "");
  EXPECT_EQ(to_base64url("f"), "Zg");
  EXPECT_EQ(to_base64url("fo"), "Zm8");
  EXPECT_EQ(to_base64url("foo"), "Zm9v");
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
}

TEST(Base64Url, ReadsBackAnything) {
  for (std::size_t size = 0; size < 70; ++size) {
    const auto bytes = random_bytes(size);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
  }
}

TEST(Base64Url, HasOneSpellingOnly) {
  EXPECT_EQ(from_base64url("Zh"), nullopt) << "bits left over";
  EXPECT_EQ(from_base64url("Zg=="), nullopt) << "padding";
  EXPECT_EQ(from_base64url("Z"), nullopt) << "no byte";
  EXPECT_EQ(from_base64url("+/8"), nullopt) << "the other alphabet";
}

TEST(PercentEncode, LeavesOnlyWhatIsUnreservedAndIsReadBack) {
  EXPECT_EQ(percent_encode("aZ9-._~"), "aZ9-._~");
  EXPECT_EQ(percent_encode("p@ss /п"), "p%40ss%20%2F%D0%BF");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

TEST(PercentDecode, DecodesOnceAndLeavesPlusAlone) {
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("%2520"), "%20");
  EXPECT_EQ(percent_decode("%D0%bf"), "п");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
}

TEST(PercentDecode, RefusesBrokenEscapes) {
  EXPECT_EQ(percent_decode("%"), nullopt);
  EXPECT_EQ(percent_decode("a%2"), nullopt);
  EXPECT_EQ(percent_decode("%zz"), nullopt);
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::uint16_t>("65536"), nullopt);
  EXPECT_EQ(parse_number<unsigned>("-1"), nullopt);
  EXPECT_EQ(parse_number<int>("1.0"), nullopt);
  EXPECT_EQ(parse_number<int>(" 1"), nullopt);
  EXPECT_EQ(parse_number<int>("1 "), nullopt);
  EXPECT_EQ(parse_number<int>("+1"), nullopt);
  EXPECT_EQ(parse_number<int>(""), nullopt);
}

TEST(Utf8, AcceptsEveryLength) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("aяक🦊\U0010FFFF"));
}

TEST(Utf8, RefusesWhatRfc3629Forbids) {
  EXPECT_FALSE(is_valid_utf8("\x80")) << "a continuation alone";
  EXPECT_FALSE(is_valid_utf8("\xd0")) << "cut short";
  EXPECT_FALSE(is_valid_utf8("\xc0\xaf")) << "overlong";
  EXPECT_FALSE(is_valid_utf8("\xe0\x80\xaf")) << "overlong";
  EXPECT_FALSE(is_valid_utf8("\xf0\x80\x80\xaf")) << "overlong";
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80")) << "a surrogate";
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80")) << "beyond U+10FFFF";
  EXPECT_FALSE(is_valid_utf8("\xff"));
}

TEST(TruncateUtf8, NeverSplitsACharacter) {
  EXPECT_EQ(truncate_utf8("abc", 3), "abc");
  EXPECT_EQ(truncate_utf8("abc", 2), "ab");
  EXPECT_EQ(truncate_utf8("яя", 3), "я");
  EXPECT_EQ(truncate_utf8("🦊", 3), "");
  EXPECT_EQ(truncate_utf8("x🦊", 5), "x🦊");
}

}  // namespace
}  // namespace base
