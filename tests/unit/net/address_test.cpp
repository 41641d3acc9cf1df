// Whose word counts: X-Forwarded-For from our own proxies only, and pages of our own origin.
#include "net/address.hpp"

#include <gtest/gtest.h>

namespace net {
namespace {

using boost::asio::ip::make_address;

Networks networks(const std::vector<std::string>& items) {
  auto parsed = Networks::parse(items);
  EXPECT_TRUE(parsed.ok());
  return std::move(parsed).value();
}

bool contains(const std::string& network, const std::string& address) {
  return networks({network}).contains(make_address(address));
}

TEST(Networks, AnAddressIsItselfOnly) {
  EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(contains("2001:db8::1", "2001:db8:0::1"));
  EXPECT_FALSE(contains("2001:db8::1", "2001:db8::2"));
}

TEST(Networks, ACidrIsAllThatShareItsPrefix) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("192.0.2.7/32", "192.0.2.7"));
  EXPECT_TRUE(contains("10.1.2.3/8", "10.9.9.9")) << "host bits do not matter";
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
}

TEST(Networks, ThePrefixOfZeroIsEverybodyOfThatFamily) {
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
}

TEST(Networks, AMappedAddressIsTheIpv4Address) {
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(contains("10.0.0.0/8", "::10.1.2.3"));
}

TEST(Networks, OfNothingContainNobody) {
  EXPECT_FALSE(networks({}).contains(make_address("127.0.0.1")));
}

TEST(Networks, NonsenseIsAnErrorThatNamesIt) {
  for (const auto* item :
       {"", "/8", "localhost", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/x", "10.0.0/8",
        "2001:db8::/129", "10.0.0.0/8/8", "10.0.0.1 "}) {
    const auto parsed = Networks::parse({"127.0.0.1", item});
    ASSERT_FALSE(parsed.ok()) << item;
    EXPECT_NE(parsed.error().message.find("\"" + std::string(item) + "\""), std::string::npos);
  }
}

/// The client of a request that came from `peer`; our proxies are 10/8, 2001:db8:1::/48.
std::string client(const std::string& peer, std::string_view forwarded_for) {
  static const auto proxies = networks({"10.0.0.0/8", "2001:db8:1::/48"});
  return client_address(make_address(peer), forwarded_for, proxies).to_string();
}

TEST(ClientAddress, IsThePeerWithoutAProxy) {
  EXPECT_EQ(client("203.0.113.9", ""), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", ""), "10.0.0.1");
}

TEST(ClientAddress, IsThePeerWhateverAStrangerWrites) {
  EXPECT_EQ(client("203.0.113.9", "198.51.100.1"), "203.0.113.9");
  EXPECT_EQ(client("203.0.113.9", "10.0.0.1"), "203.0.113.9");
  EXPECT_EQ(client("2001:db8:2::1", "198.51.100.1"), "2001:db8:2::1");
}

TEST(ClientAddress, IsWhomOurProxySpeaksFor) {
  EXPECT_EQ(client("10.0.0.1", "203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", " \t203.0.113.9 "), "203.0.113.9");
  EXPECT_EQ(client("2001:db8:1::1", "2001:db8:2::9"), "2001:db8:2::9");
}

TEST(ClientAddress, IsTheRightmostThatIsNotOurs) {
  EXPECT_EQ(client("10.0.0.1", "203.0.113.9, 10.0.0.3, 10.0.0.2"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", "203.0.113.9,2001:db8:1::7"), "203.0.113.9");
}

TEST(ClientAddress, IsNotWhatTheClientPretendsBeforeTheProxyAddsItsOwn) {
  EXPECT_EQ(client("10.0.0.1", "127.0.0.1, 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", "10.0.0.5, 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", "garbage, 203.0.113.9"), "203.0.113.9");
}

TEST(ClientAddress, OfARequestFromInsideIsItsFirstAddress) {
  EXPECT_EQ(client("10.0.0.1", "10.0.0.9, 10.0.0.3"), "10.0.0.9");
}

TEST(ClientAddress, NonsenseCountsAsTheProxyThatWroteIt) {
  for (const auto* nonsense : {"unknown", "203.0.113.9:1234", "[2001:db8:2::9]", "203.0.113.9,",
                               ",", "203.0.113", "203.0.113.9 198.51.100.1", "203.0.113.9;x"}) {
    EXPECT_EQ(client("10.0.0.1", nonsense), "10.0.0.1") << nonsense;
  }
  EXPECT_EQ(client("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2"), "10.0.0.2");
}

TEST(ClientAddress, HasOneSpelling) {
  EXPECT_EQ(client("::ffff:203.0.113.9", "198.51.100.1"), "203.0.113.9");
  EXPECT_EQ(client("::ffff:10.0.0.1", "203.0.113.9"), "203.0.113.9") << "a proxy all the same";
  EXPECT_EQ(client("10.0.0.1", "::ffff:203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", "203.0.113.9, ::ffff:10.0.0.2"), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", "2001:DB8:2:0::9"), "2001:db8:2::9");
}

std::string key_of(const std::string& address) { return limit_key(make_address(address)); }

TEST(LimitKey, OfIpv4IsTheAddress) {
  EXPECT_EQ(key_of("203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(key_of("::ffff:203.0.113.9"), "203.0.113.9");
}

TEST(LimitKey, OfIpv6IsItsNetworkOf64Bits) {
  EXPECT_EQ(key_of("2001:db8:1:2:3:4:5:6"), key_of("2001:db8:1:2::1"));
  EXPECT_NE(key_of("2001:db8:1:2::1"), key_of("2001:db8:1:3::1"));
  EXPECT_EQ(key_of("2001:db8:1:2::1"), "2001:db8:1:2::/64");
}

TEST(Origin, OfTheSameHostIsAllowed) {
  EXPECT_TRUE(origin_allowed("https://example.org", "example.org", {}));
  EXPECT_TRUE(origin_allowed("http://localhost:8000", "localhost:8000", {}));
  EXPECT_TRUE(origin_allowed("https://EXAMPLE.org", "example.ORG", {}));
  EXPECT_TRUE(origin_allowed("http://[::1]:8000", "[::1]:8000", {}));
}

TEST(Origin, OfAnotherHostIsNot) {
  for (const auto* origin :
       {"https://evil.example", "https://example.org.evil.example", "https://example.org:8443",
        "https://evil.example/example.org", "https://example.org@evil.example", "null",
        "example.org", "://", "https://", "https://example.org/"}) {
    EXPECT_FALSE(origin_allowed(origin, "example.org", {})) << origin;
  }
}

TEST(Origin, ThatIsListedIsAllowed) {
  const std::vector<std::string> allowed = {"https://web.telegram.org", "http://localhost:5173"};
  EXPECT_TRUE(origin_allowed("https://web.telegram.org", "example.org", allowed));
  EXPECT_TRUE(origin_allowed("https://WEB.telegram.org", "example.org", allowed));
  EXPECT_TRUE(origin_allowed("http://localhost:5173", "example.org", allowed));
  EXPECT_FALSE(origin_allowed("http://web.telegram.org", "example.org", allowed));
  EXPECT_FALSE(origin_allowed("http://localhost", "example.org", allowed));
}

TEST(Origin, ProgramsHaveNone) { EXPECT_TRUE(origin_allowed("", "example.org", {})); }

}  // namespace
}  // namespace net
