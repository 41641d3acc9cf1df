// Accept-Encoding, as in RFC 9110 section 12.5.3.
#include <gtest/gtest.h>

#include "service/snapshots.hpp"

namespace service {
namespace {

TEST(Accepts, WhatIsNamed) {
  EXPECT_TRUE(accepts("br", "br"));
  EXPECT_TRUE(accepts("gzip, deflate, br, zstd", "zstd"));
  EXPECT_TRUE(accepts("gzip,br", "br"));
  EXPECT_TRUE(accepts(" GZip\t, BR ", "gzip"));
  EXPECT_TRUE(accepts("br;q=0.5", "br"));
  EXPECT_TRUE(accepts("br; q=0.001", "br"));
  EXPECT_TRUE(accepts("br;q=1", "br"));
}

TEST(Accepts, NotWhatIsNotNamed) {
  EXPECT_FALSE(accepts("", "br"));
  EXPECT_FALSE(accepts("gzip", "br"));
  EXPECT_FALSE(accepts("brotli", "br"));
  EXPECT_FALSE(accepts("x-gzip", "gzip"));
  EXPECT_FALSE(accepts("identity", "gzip"));
  EXPECT_FALSE(accepts(",,;", "br"));
}

TEST(Accepts, NotWhatIsRefused) {
  EXPECT_FALSE(accepts("br;q=0", "br"));
  EXPECT_FALSE(accepts("br; q=0.000", "br"));
  EXPECT_FALSE(accepts("gzip, br;q=0.0, zstd", "br"));
}

TEST(Negotiate, TakesTheBestThatIsAllowed) {
  EXPECT_EQ(negotiate("gzip, deflate, br, zstd"), Encoding::zstd);
  EXPECT_EQ(negotiate("gzip, deflate, br"), Encoding::br);
  EXPECT_EQ(negotiate("gzip, br;q=0"), Encoding::gzip);
  EXPECT_EQ(negotiate("deflate"), Encoding::identity);
  EXPECT_EQ(negotiate(""), Encoding::identity);
  EXPECT_EQ(negotiate("zstd;q=0, br;q=0, gzip;q=0"), Encoding::identity);
}

TEST(ContentEncoding, OfWhatIsNotEncodedIsEmpty) {
  EXPECT_EQ(content_encoding(Encoding::identity), "");
  EXPECT_EQ(content_encoding(Encoding::png), "");
  EXPECT_EQ(content_encoding(Encoding::gzip), "gzip");
  EXPECT_EQ(content_encoding(Encoding::br), "br");
  EXPECT_EQ(content_encoding(Encoding::zstd), "zstd");
}

}  // namespace
}  // namespace service
