// The small pieces of HTTP that the service makes and reads itself.
#include "service/http.hpp"

#include <gtest/gtest.h>

namespace service {
namespace {

TEST(ErrorReply, HasACodeForProgramsAndAMessageForPeople) {
  const auto reply = error_reply(403, "frozen", "The canvas is \"frozen\".");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.headers, "Cache-Control: no-store\r\n");
  EXPECT_EQ(reply.bytes(), R"({"error":{"code":"frozen","message":"The canvas is \"frozen\"."}})");
}

TEST(ErrorReply, TakesFurtherMembers) {
  EXPECT_EQ(error_reply(429, "cooldown", "Wait.", R"("wait_ms":5,"charges":0)").bytes(),
            R"({"error":{"code":"cooldown","message":"Wait.","wait_ms":5,"charges":0}})");
}

TEST(ErrorReplyLater, RoundsRetryAfterUpToWholeSeconds) {
  const auto retry_after = [](std::int64_t wait_ms) {
    return error_reply_later(503, "busy", "Wait.", wait_ms).headers;
  };
  EXPECT_EQ(retry_after(0), "Cache-Control: no-store\r\nRetry-After: 1\r\n");
  EXPECT_TRUE(retry_after(1).ends_with("Retry-After: 1\r\n"));
  EXPECT_TRUE(retry_after(1000).ends_with("Retry-After: 1\r\n"));
  EXPECT_TRUE(retry_after(1001).ends_with("Retry-After: 2\r\n"));
  EXPECT_TRUE(retry_after(86'400'000).ends_with("Retry-After: 86400\r\n"));
}

TEST(JsonString, EscapesWhatNeedsIt) {
  EXPECT_EQ(json_string("Аня \"A\" \\ \n\x01"), R"("Аня \"A\" \\ \n\u0001")");
  EXPECT_EQ(json_string(""), R"("")");
}

TEST(Reply, HasItsOwnOrSharedBytes) {
  EXPECT_EQ(Reply{}.bytes(), "");
  EXPECT_EQ(Reply{.body = "own"}.bytes(), "own");
  EXPECT_EQ(Reply{.body = std::make_shared<const std::string>("shared")}.bytes(), "shared");
  EXPECT_EQ(Reply{.body = wire::SharedBytes()}.bytes(), "");
}

TEST(IsUnchanged, IfTheTagIsNamed) {
  EXPECT_TRUE(is_unchanged("\"a\"", "\"a\""));
  EXPECT_TRUE(is_unchanged("\"x\", \"a\" ,\"y\"", "\"a\""));
  EXPECT_TRUE(is_unchanged("W/\"a\"", "\"a\"")) << "If-None-Match compares weakly";
  EXPECT_TRUE(is_unchanged("*", "\"a\""));
  EXPECT_TRUE(is_unchanged(" * ", "\"a\""));
}

TEST(IsUnchanged, NotIfAnotherTagIsNamedOrNone) {
  EXPECT_FALSE(is_unchanged("", "\"a\""));
  EXPECT_FALSE(is_unchanged("\"b\"", "\"a\""));
  EXPECT_FALSE(is_unchanged("\"ba\"", "\"a\""));
  EXPECT_FALSE(is_unchanged("\"a-br\"", "\"a\""));
  EXPECT_FALSE(is_unchanged("a", "\"a\""));
}

TEST(QueryValue, IsThatOfTheNameDecodedOnce) {
  EXPECT_EQ(query_value("limit=20&min_offset=7", "limit"), "20");
  EXPECT_EQ(query_value("limit=20&min_offset=7", "min_offset"), "7");
  EXPECT_EQ(query_value("a=%31%2530", "a"), "1%30");
  EXPECT_EQ(query_value("a=b=c", "a"), "b=c");
  EXPECT_EQ(query_value("a=1&a=2", "a"), "1");
}

TEST(QueryValue, IsEmptyIfItIsNotThere) {
  EXPECT_EQ(query_value("", "a"), "");
  EXPECT_EQ(query_value("aa=1&ba=2", "a"), "");
  EXPECT_EQ(query_value("a&&=&b", "a"), "");
  EXPECT_EQ(query_value("a=", "a"), "");
  EXPECT_EQ(query_value("a=%zz", "a"), "") << "a broken escape";
}

}  // namespace
}  // namespace service
