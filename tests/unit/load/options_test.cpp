// The flags of loadtest, and the address that they name.
#include "load/options.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

using Words = std::vector<std::string>;

std::string wrong(const Words& words) {
  const auto options = read_options(words);
  return options ? "" : options.error().message;
}

TEST(LoadOptions, AreReadWithAndWithoutAnEqualsSign) {
  const auto read = read_options(Words{"--clients=20", "--painters", "3", "--rate=2.5",
                                       "--duration", "5m", "--max-p99-ms", "250", "--json=a"});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->clients, 20);
  EXPECT_EQ(read->painters, 3);
  EXPECT_EQ(read->rate, 2.5);
  EXPECT_EQ(read->duration_s, 300);
  EXPECT_EQ(read->p99_ms_max, 250);
  EXPECT_FALSE(read->seen_p99_ms_max);
  EXPECT_EQ(read->json, "a");
}

TEST(LoadOptions, KnowTimes) {
  for (const auto& [text, seconds] : std::initializer_list<std::pair<const char*, double>>{
           {"90", 90}, {"1.5s", 1.5}, {"2m", 120}, {"1h", 3600}}) {
    EXPECT_EQ(read_options(Words{"--duration", text})->duration_s, seconds);
  }
}

TEST(LoadOptions, HaveNoMorePaintersThanClients) {
  EXPECT_EQ(read_options(Words{"--clients", "10"})->painters, 10);
  EXPECT_EQ(wrong({"--clients", "10", "--painters", "11"}),
            "--painters: at most as many as --clients (10)");
}

TEST(LoadOptions, AreRefusedInOneLineThatNamesThem) {
  EXPECT_EQ(wrong({"--client", "10"}), "--client: no such option; see loadtest --help");
  EXPECT_EQ(wrong({"--rate"}), "--rate: a value is missing");
  for (const Words& words :
       {Words{"--clients", "0"}, Words{"--clients", "1000001"}, Words{"--rate", "0"},
        Words{"--rate", "nan"}, Words{"--ramp", "1e30"}, Words{"--duration", "s"},
        Words{"--duration", "5d"}, Words{"--duration", "721h"}, Words{"--max-errors", "-1"},
        Words{"--json", ""}}) {
    EXPECT_TRUE(wrong(words).starts_with(words.front() + ": ")) << words.front();
  }
}

TEST(LoadOptions, AreAllExplained) {
  EXPECT_TRUE(read_options(Words{"--clients", "5", "--help"})->help);
  for (const char* flag : {"--host", "--max-reconnects", "--html"}) {
    EXPECT_NE(options_help().find(flag), std::string::npos) << flag;
  }
}

TEST(LoadUrl, IsReadInItsParts) {
  const auto named = parse_url("http://canvas.example:8080/");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->host, "canvas.example");
  EXPECT_EQ(named->port, 8080);
  EXPECT_EQ(named->authority, "canvas.example:8080");
  EXPECT_EQ(parse_url("http://localhost")->port, 80);
  const auto six = parse_url("http://[::1]:8000");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->authority, "[::1]:8000");
}

TEST(LoadUrl, MustBePlainHttp) {
  EXPECT_NE(parse_url("https://canvas.example").error().message.find("only plain http"),
            std::string::npos);
  for (const char* text : {"", "localhost:8000", "http://", "http://:80", "http://a:0",
                           "http://a:x", "http://a:65536", "http://a/path", "http://a?b",
                           "http://u@a", "http://[::1", "http://[::1]8", "http://a b", "ftp://a"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

}  // namespace
}  // namespace load
