// The bytes of Redis: commands as they are sent, replies as they are read, what errors mean, and
// where keys live.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.hpp"
#include "redis/command.hpp"
#include "redis/discovery.hpp"
#include "redis/error.hpp"
#include "redis/reply_reader.hpp"
#include "redis/slot.hpp"

namespace redis {
namespace {

namespace limits = base::limits;
using namespace std::string_literals;

using Type = Reply::Type;

Reply text_reply(Type type, const std::string& text) {
  return {.type = type, .text = text, .elements = {}};
}

TEST(Command, IsSentAsAnArrayOfItsWords) {
  std::string out = "x";
  encode(command("SET", "k\0\r\n"s, 17), out);
  EXPECT_EQ(out, "x*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$2\r\n17\r\n"s);
  EXPECT_EQ(encode(std::vector<Command>{{"A"}, {"B"}}), "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n");
}

TEST(ReplyReader, ReadsEveryTypeAtAnyCut) {
  const std::string bytes =
      "+OK\r\n:-42\r\n$-1\r\n*-1\r\n$6\r\na\0\r\nbc\r\n-ERR no such thing\r\n"s
      "*3\r\n:1\r\n*2\r\n$0\r\n\r\n+x\r\n*0\r\n"s;
  const std::vector<Reply> expected{
      text_reply(Type::status, "OK"),
      {.type = Type::integer, .integer = -42, .text = {}, .elements = {}},
      {},
      {},
      text_reply(Type::string, "a\0\r\nbc"s),
      text_reply(Type::error, "ERR no such thing"),
      {.type = Type::array,
       .text = {},
       .elements = {{.type = Type::integer, .integer = 1, .text = {}, .elements = {}},
                    {.type = Type::array,
                     .text = {},
                     .elements = {text_reply(Type::string, ""), text_reply(Type::status, "x")}},
                    {.type = Type::array, .text = {}, .elements = {}}}}};
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    ReplyReader reader;
    std::vector<Reply> replies;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(std::string_view(bytes).substr(at, step));
      while (auto reply = reader.next()) replies.push_back(*reply);
    }
    EXPECT_EQ(replies, expected) << "in steps of " << step;
    EXPECT_EQ(reader.problem(), "");
  }
}

TEST(ReplyReader, StopsAtWhatItDoesNotUnderstand) {
  for (const auto* bytes : {"hello\r\n", "*x\r\n", "$-2\r\n", ":1x\r\n", ",1.5\r\n",
                            "%1\r\n+a\r\n+b\r\n", "#t\r\n", "~1\r\n+a\r\n", ">1\r\n+a\r\n"}) {
    ReplyReader reader;
    reader.feed(bytes);
    EXPECT_FALSE(reader.next().has_value()) << bytes;
    EXPECT_NE(reader.problem(), "") << bytes;
    reader.feed("+OK\r\n");
    EXPECT_FALSE(reader.next().has_value()) << bytes;
  }
}

TEST(ReplyReader, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    std::string bytes;
    for (std::size_t i = 0; i < depth; ++i) bytes += "*1\r\n";
    return bytes + ":1\r\n";
  };
  ReplyReader allowed;
  allowed.feed(nested(limits::kRedisReplyDepthMax));
  EXPECT_TRUE(allowed.next().has_value());
  ReplyReader refused;
  refused.feed(nested(limits::kRedisReplyDepthMax + 1));
  EXPECT_FALSE(refused.next().has_value());
  EXPECT_NE(refused.problem(), "");
}

TEST(ReplyReader, BytesAreBounded) {
  ReplyReader reader;
  reader.feed("$99999999\r\n");
  const std::string chunk(1024 * 1024, 'x');
  std::size_t fed = 0;
  while (reader.problem().empty() && fed < 100'000'000) {
    reader.feed(chunk);
    fed += chunk.size();
    EXPECT_FALSE(reader.next().has_value());
  }
  EXPECT_LE(fed, limits::kRedisReplyBytesMax);
  EXPECT_EQ(reader.problem(), "the reply is too long");
}

TEST(ReplyReader, ManyRepliesInARowAreNotOneLongOne) {
  ReplyReader reader;
  const std::string one = "$1000000\r\n" + std::string(1'000'000, 'x') + "\r\n";
  for (int i = 0; i < 80; ++i) {
    reader.feed(one);
    ASSERT_TRUE(reader.next().has_value()) << reader.problem();
  }
}

TEST(ReplyReader, ElementsAreBounded) {
  ReplyReader reader;
  reader.feed("*99999999\r\n");
  std::string nils;
  for (int i = 0; i < 10'000; ++i) nils += "$-1\r\n";
  std::size_t fed = 0;
  while (reader.problem().empty() && fed < 2 * limits::kRedisReplyElementsMax) {
    reader.feed(nils);
    fed += 10'000;
    EXPECT_FALSE(reader.next().has_value());
  }
  EXPECT_EQ(reader.problem(), "the reply has too many elements");
}

TEST(Meaning, TellsWhatWasNotAppliedFromWhatWasRefused) {
  const struct {
    const char* text;
    Failure kind;
    bool wrong_node;
  } rows[] = {
      {"READONLY You can't write against a read only replica.", Failure::not_applied, true},
      {"MASTERDOWN Link with MASTER is down", Failure::not_applied, true},
      {"LOADING Redis is loading the dataset in memory", Failure::not_applied, true},
      {"CLUSTERDOWN Hash slot not served", Failure::not_applied, true},
      {"MOVED 866 10.0.0.1:7000", Failure::not_applied, true},
      {"ASK 866 10.0.0.1:7000", Failure::not_applied, true},
      {"NOAUTH Authentication required.", Failure::not_applied, true},
      {"WRONGPASS invalid username-password pair", Failure::not_applied, true},
      {"NOPERM this user has no permissions", Failure::not_applied, false},
      {"NOREPLICAS Not enough good replicas to write.", Failure::not_applied, false},
      {"TRYAGAIN Multiple keys request during rehashing of slot", Failure::not_applied, false},
      {"NOSCRIPT No matching script.", Failure::not_applied, false},
      {"MISCONF Redis is configured to save", Failure::not_applied, false},
      {"OOM command not allowed", Failure::not_applied, false},
      {"BUSY Redis is busy running a script", Failure::not_applied, false},
      {"UNBLOCKED force unblock from blocking operation", Failure::unknown, false},
      {"ERR unknown command", Failure::refused, false},
      {"WRONGTYPE Operation against a key", Failure::refused, false},
      {"CROSSSLOT Keys in request don't hash to the same slot", Failure::refused, false},
      {"EMPTY no canvas here", Failure::refused, false},
      {"", Failure::refused, false},
  };
  for (const auto& row : rows) {
    const auto reply = text_reply(Type::error, row.text);
    EXPECT_EQ(meaning_of(reply).kind, row.kind) << row.text;
    EXPECT_EQ(meaning_of(reply).wrong_node, row.wrong_node) << row.text;
  }
}

TEST(Meaning, AnErrorIsOneLineThatSaysWhere) {
  const auto error =
      error_of(text_reply(Type::error, "OOM no\r\nroom" + std::string(1000, 'x')), "h:1");
  EXPECT_EQ(error.code, "OOM");
  EXPECT_EQ(error.message.substr(0, 16), "h:1: OOM no  roo");
  EXPECT_LT(error.message.size(), 400U);
}

TEST(Slot, IsThatOfTheHashTag) {
  // The first is the check value of the cluster's specification.
  EXPECT_EQ(slot_of("123456789"), 0x31c3 % 16384);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("{foo}bar"), 12182);
  EXPECT_EQ(slot_of("x{foo}{bar}"), 12182);
  EXPECT_EQ(slot_of("{pixel-battle}:v1:state"), slot_of("pixel-battle"));
  EXPECT_EQ(slot_of("{}foo"), slot_of("{}foo"));
  EXPECT_NE(slot_of("{}foo"), slot_of("foo"));
  EXPECT_NE(slot_of("{foo"), slot_of("foo"));
}

TEST(Redirection, NamesANode) {
  const Address from{"10.0.0.9", 7000, ""};
  const std::pair<const char*, Address> rows[] = {
      {"MOVED 866 10.0.0.1:7001", {"10.0.0.1", 7001, ""}},
      {"ASK 866 redis.example:7001", {"redis.example", 7001, ""}},
      {"MOVED 866 ::1:7001", {"::1", 7001, ""}},
      {"MOVED 866 :7001", {"10.0.0.9", 7001, ""}},
  };
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(redirection(text_reply(Type::error, text), from), expected) << text;
  }
  for (const auto* text : {"MOVED", "MOVED 866", "MOVED 866 h", "MOVED 866 h:x", "MOVED 866 h:0"}) {
    EXPECT_FALSE(redirection(text_reply(Type::error, text), from).has_value()) << text;
  }
}

}  // namespace
}  // namespace redis
