// The log's lines.
#include "ops/log.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>
#include <regex>

namespace ops::log {
namespace {

/// What a piece of code writes to standard error.
template <class Code>
std::string lines_of(Level level, Format format, Code code) {
  testing::internal::CaptureStderr();
  set_up(level, format);
  code();
  return testing::internal::GetCapturedStderr();
}

boost::json::object json_of(std::string_view event, Fields fields) {
  const auto line = lines_of(Level::info, Format::json, [&] { info(event, fields); });
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line: " << line;
  boost::system::error_code error;
  const auto value = boost::json::parse(line, error);
  EXPECT_FALSE(error) << line;
  return value.is_object() ? value.get_object() : boost::json::object{};
}

TEST(JsonLog, HasTimeLevelEventAndFieldsInThatOrder) {
  const auto line = lines_of(Level::info, Format::json, [] {
    warning("journal is slow", {{"commit_ms", 1500}, {"ok", false}, {"share", 0.25}});
  });
  const std::regex form(
      R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warning",)"
      R"("event":"journal is slow","commit_ms":1500,"ok":false,"share":0.25\}\n)");
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(JsonLog, NamesTheLevels) {
  const auto lines = lines_of(Level::debug, Format::json, [] {
    debug("a");
    info("b");
    warning("c");
    error("d");
  });
  for (const auto* level : {"debug", "info", "warning", "error"}) {
    EXPECT_NE(lines.find("\"level\":\"" + std::string(level) + '"'), std::string::npos) << level;
  }
}

TEST(JsonLog, EscapesWhatNeedsIt) {
  const std::string awkward = "a\"b\\c\nd\te\x01\x7f{}%v я🦊";
  const auto object = json_of("odd \"event\"", {{"text", awkward}, {"k\"ey", "x"}});
  EXPECT_EQ(object.at("event"), "odd \"event\"");
  EXPECT_EQ(object.at("text").as_string(), awkward);
  EXPECT_EQ(object.at("k\"ey"), "x");
}

TEST(JsonLog, StaysValidWithBytesThatAreNoText) {
  const auto object = json_of("e", {{"text", std::string("a\xff\xd0z\0", 5)},
                                    {"number", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_EQ(object.at("text").as_string(), std::string("a\uFFFD\uFFFDz\0", 9));
  EXPECT_TRUE(object.at("number").is_null());
}

TEST(JsonLog, KeepsWholeNumbersWhole) {
  const auto object = json_of("e", {{"person", INT64_MIN}, {"port", std::uint16_t{8000}}});
  EXPECT_EQ(object.at("person").as_int64(), INT64_MIN);
  EXPECT_EQ(object.at("port").as_int64(), 8000);
}

TEST(TextLog, AlignsTheFieldsOfShortEvents) {
  const auto lines = lines_of(Level::info, Format::text, [] {
    info("listening", {{"address", "0.0.0.0"}, {"port", 8000}});
    info("journal opened", {{"offset", 12}});
  });
  EXPECT_NE(lines.find("address=0.0.0.0 port=8000\n"), std::string::npos) << lines;
  const auto second = lines.find('\n') + 1;
  EXPECT_EQ(lines.find("address="), lines.find("offset=") - second) << lines;
}

TEST(TextLog, QuotesValuesThatWouldReadWrong) {
  const auto lines = lines_of(Level::info, Format::text, [] {
    info("e", {{"a", "two words"}, {"b", "x=1"}, {"c", ""}, {"d", "line\nbreak"}});
  });
  EXPECT_NE(lines.find(R"(a="two words" b="x=1" c="" d="line\nbreak")"), std::string::npos)
      << lines;
}

TEST(TextLog, HasNoColourUnlessATerminalReadsIt) {
  const auto lines = lines_of(Level::info, Format::text, [] { error("e"); });
  EXPECT_EQ(lines.find('\x1b'), std::string::npos) << lines;
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
  const auto lines = lines_of(Level::warning, Format::text, [] {
    debug("quiet");
    info("quiet");
    warning("loud");
  });
  EXPECT_EQ(lines.find("quiet"), std::string::npos);
  EXPECT_NE(lines.find("loud"), std::string::npos);
}

TEST(Log, KnowsTheLevelsOfTheConfiguration) {
  EXPECT_EQ(level_from("warning"), Level::warning);
  EXPECT_EQ(level_from("trace"), std::nullopt);
}

}  // namespace
}  // namespace ops::log
