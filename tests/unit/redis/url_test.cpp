// URLs of Redis.
#include "redis/url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.hpp"

namespace redis {
namespace {

Url parsed(const std::string& text) {
  const auto url = Url::parse(text);
  EXPECT_TRUE(url.ok()) << text << ": " << (url.ok() ? "" : url.error().message);
  return url.ok() ? url.value() : Url{};
}

TEST(Url, OneServer) {
  const auto url = parsed("redis://cache.example:7000/3");
  EXPECT_EQ(url.kind, Url::Kind::single);
  EXPECT_EQ(url.addresses, (std::vector<Address>{{"cache.example", 7000, ""}}));
  EXPECT_EQ(url.database, 3);
  EXPECT_FALSE(url.tls.on);
  EXPECT_FALSE(url.login.given());
}

TEST(Url, PortAndDatabaseMayBeLeftOut) {
  for (const auto* text : {"redis://h", "redis://h/", "redis://h:6379/0"}) {
    const auto url = parsed(text);
    EXPECT_EQ(url.addresses, (std::vector<Address>{{"h", 6379, ""}})) << text;
    EXPECT_EQ(url.database, 0) << text;
  }
}

TEST(Url, UserAndPasswordAreDecodedAndMayBeEmpty) {
  const struct {
    const char* text;
    const char* user;
    const char* password;
  } rows[] = {
      {"redis://us%3Aer:p%40%2F%3A%25@h", "us:er", "p@/:%"},
      {"redis://:secret@h", "", "secret"},
      {"redis://user:@h", "user", ""},
      {"redis://user@h", "user", ""},
      {"redis://user:a:b@h", "user", "a:b"},
      {"redis://user:a@b@h", "user", "a@b"},
      {"redis://:@h", "", ""},
  };
  for (const auto& row : rows) {
    const auto url = parsed(row.text);
    EXPECT_EQ(url.login.user, row.user) << row.text;
    EXPECT_EQ(url.login.password, row.password) << row.text;
    EXPECT_EQ(url.addresses.at(0).host, "h") << row.text;
  }
}

TEST(Url, Ipv6) {
  const auto url = parsed("redis://:pw@[::1]:7000");
  EXPECT_EQ(url.addresses, (std::vector<Address>{{"::1", 7000, ""}}));
  EXPECT_EQ(to_string(url.addresses[0]), "[::1]:7000");
}

TEST(Url, UnixSocket) {
  for (const auto* text :
       {"unix:///run/re%20dis.sock?db=2", "redis+unix:///run/re%20dis.sock?db=2"}) {
    const auto url = parsed(text);
    EXPECT_EQ(url.addresses, (std::vector<Address>{{"", 0, "/run/re dis.sock"}})) << text;
    EXPECT_EQ(url.database, 2) << text;
  }
  EXPECT_EQ(parsed("unix://user:pw@/s").login.password, "pw");
}

TEST(Url, TlsIsVerifiedUnlessToldOtherwise) {
  const auto url = parsed("rediss://h?ca=/etc/a%26b.pem&cert=/c.pem&key=/k.pem");
  EXPECT_TRUE(url.tls.on && url.tls.verify);
  EXPECT_EQ(url.tls.ca, "/etc/a&b.pem");
  EXPECT_EQ(url.tls.cert, "/c.pem");
  EXPECT_EQ(url.tls.key, "/k.pem");
  EXPECT_FALSE(parsed("rediss://h?verify=no").tls.verify);
  EXPECT_TRUE(parsed("rediss+cluster://h").tls.on);
  EXPECT_TRUE(parsed("rediss+sentinel://h/m").tls.on);
}

TEST(Url, Sentinels) {
  const auto url = parsed(
      "redis+sentinel://u:p@a:1,b:2,c/the%20master/5?sentinel_user=su&sentinel_password=s%3Dp");
  EXPECT_EQ(url.kind, Url::Kind::sentinel);
  EXPECT_EQ(url.addresses, (std::vector<Address>{{"a", 1, ""}, {"b", 2, ""}, {"c", 26379, ""}}));
  EXPECT_EQ(url.master_name, "the master");
  EXPECT_EQ(url.database, 5);
  EXPECT_EQ(url.login.user, "u");
  EXPECT_EQ(url.login.password, "p");
  EXPECT_EQ(url.sentinel_login.user, "su");
  EXPECT_EQ(url.sentinel_login.password, "s=p");
}

TEST(Url, Cluster) {
  const auto url = parsed("redis+cluster://a:1,b");
  EXPECT_EQ(url.kind, Url::Kind::cluster);
  EXPECT_EQ(url.addresses, (std::vector<Address>{{"a", 1, ""}, {"b", 6379, ""}}));
}

TEST(Url, WhatIsWrongIsSaidWithoutShowingThePassword) {
  const std::vector<std::string> texts{
      "",
      "h:6379",
      "http://:hunter2@h",
      "redis:/:hunter2@h",
      "redis://",
      "redis://:hunter2@",
      "redis://:hunter2@:6379",
      "redis://:hunter2@h:port",
      "redis://:hunter2@h:0",
      "redis://:hunter2@h:65536",
      "redis://:hunter2@h/x",
      "redis://:hunter2@h/-1",
      "redis://:hunter2@h,i",
      "redis://:hunter2/x@h",
      "redis://:hunter2?x@h",
      "redis://:hunter2#x@h",
      "redis://:hunter2%zz@h",
      "redis://:hunter2@h?ca=/x",
      "redis://:hunter2@h?db=1",
      "redis://x:hunter2",
      "rediss://:hunter2@h?verify=maybe",
      "rediss://:hunter2@h?cert=/c",
      "rediss://:hunter2@h?ca=",
      "unix://:hunter2@h/s",
      "unix://:hunter2@/",
      "unix://:hunter2@/s?db=x",
      "unix:///" + std::string(200, 'x'),
      "redis+sentinel://:hunter2@h",
      "redis+sentinel://:hunter2@h/",
      "redis+sentinel://:hunter2@h/m/x",
      "redis+sentinel://:hunter2@h/m?sentinel_pasword=hunter2",
      "redis+cluster://:hunter2@h/1",
      "redis+cluster://:hunter2@h,,i",
      "redis://:hunter2@[::1:6379",
      "redis://:" + std::string(base::limits::kRedisUrlBytesMax, 'x') + "@h",
  };
  for (const auto& text : texts) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().message.find("hunter"), std::string::npos) << text;
    EXPECT_EQ(url.error().message.find('\n'), std::string::npos) << text;
    EXPECT_GT(url.error().message.size(), 10U) << text;
  }
}

TEST(Url, PrintableHidesPasswords) {
  const std::pair<const char*, const char*> rows[] = {
      {"redis://h", "redis://h:6379"},
      {"redis://us:hunter2@h/3", "redis://us:***@h:6379/3"},
      {"redis://us@h", "redis://us@h:6379"},
      {"rediss://:hunter2@[::1]?verify=no&ca=/x", "rediss://:***@[::1]:6379?verify=no"},
      {"unix://:hunter2@/s?db=1", "unix://:***@/s?db=1"},
      {"redis+sentinel://:hunter2@a,b:1/m/2?sentinel_password=hunter3",
       "redis+sentinel://:***@a:26379,b:1/m/2"},
      {"rediss+cluster://:hunter2@a", "rediss+cluster://:***@a:6379"},
  };
  for (const auto& [text, printable] : rows) EXPECT_EQ(parsed(text).printable(), printable);
}

}  // namespace
}  // namespace redis
