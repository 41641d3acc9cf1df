// Response heads, byte for byte.
#include "net/response.hpp"

#include <gtest/gtest.h>

namespace net {
namespace {

const HeadContext kContext{.date = "Thu, 01 Jan 2026 00:00:00 GMT", .served_by = "pixel-1"};

const std::string kCommon =
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    "X-Served-By: pixel-1\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";

TEST(ResponseHead, SaysWhatFollows) {
  const service::Reply reply{.headers = "Cache-Control: no-store\r\n", .body = "{\"a\":1}"};
  EXPECT_EQ(response_head(reply, kContext), "HTTP/1.1 200 OK\r\n" + kCommon +
                                                "Content-Type: application/json\r\n"
                                                "Content-Length: 7\r\n"
                                                "Cache-Control: no-store\r\n"
                                                "\r\n");
}

TEST(ResponseHead, OfAnEmptyBodySaysSo) {
  EXPECT_NE(response_head({}, kContext).find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(ResponseHead, OfNotModifiedHasNoBodyToDescribe) {
  const service::Reply reply{.status = 304, .headers = "ETag: \"a\"\r\n"};
  EXPECT_EQ(response_head(reply, kContext),
            "HTTP/1.1 304 Not Modified\r\n" + kCommon + "ETag: \"a\"\r\n\r\n");
}

TEST(ResponseHead, SaysWhetherTheConnectionStays) {
  auto context = kContext;
  const auto connection = [&] {
    const auto head = response_head({}, context);
    const auto begin = head.find("Connection: ");
    return begin == std::string::npos ? "" : head.substr(begin, head.find('\r', begin) - begin);
  };
  EXPECT_EQ(connection(), "") << "HTTP/1.1 stays by itself";
  context.http_1_0 = true;
  EXPECT_EQ(connection(), "Connection: keep-alive");
  context.keep_alive = false;
  EXPECT_EQ(connection(), "Connection: close");
  context.http_1_0 = false;
  EXPECT_EQ(connection(), "Connection: close");
}

TEST(ResponseHead, NamesEveryStatusThatWeAnswer) {
  for (const int status :
       {200, 201, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 426, 429, 431, 500, 503}) {
    const auto head = response_head({.status = status}, kContext);
    EXPECT_TRUE(head.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    EXPECT_EQ(head.find("Unknown"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace net
