// Flat JSON objects: strict, one level deep, each member once.
#include "service/flat_json.hpp"

#include <gtest/gtest.h>

namespace service {
namespace {

FlatError error_of(std::string_view text) {
  const auto parsed = parse_flat_object(text);
  EXPECT_FALSE(parsed.ok()) << text;
  return parsed.error();
}

/// The only member of `{"a":<value>}`.
FlatValue value_of(const std::string& value) {
  const auto parsed = parse_flat_object("{\"a\":" + value + "}");
  EXPECT_TRUE(parsed.ok()) << value;
  return parsed->at("a");
}

template <class T>
bool holds(const std::string& value) {
  return std::holds_alternative<T>(value_of(value));
}

TEST(FlatJson, ReadsNumbersAndStrings) {
  const auto parsed = parse_flat_object(R"( { "x" : -12, "name" : "Аня \"A\"\u00e9\n" } )");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->size(), 2U);
  EXPECT_EQ(std::get<std::int64_t>(parsed->at("x")), -12);
  EXPECT_EQ(std::get<std::string>(parsed->at("name")), "Аня \"A\"é\n");
}

TEST(FlatJson, AnEmptyObjectHasNoMembers) {
  const auto parsed = parse_flat_object("{}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->empty());
}

TEST(FlatJson, OnlyWholeNumbersAreNumbers) {
  EXPECT_EQ(std::get<std::int64_t>(value_of("9223372036854775807")), INT64_MAX);
  EXPECT_EQ(std::get<std::int64_t>(value_of("-9223372036854775808")), INT64_MIN);
  EXPECT_EQ(std::get<std::int64_t>(value_of("9223372036854775808")), INT64_MAX);
  for (const auto* other : {"1.0", "1.5", "1e2", "-0.0", "true", "false", "null", "[]", "[1]", "{}",
                            R"({"b":1})", "100000000000000000000"}) {
    EXPECT_TRUE(holds<OtherValue>(other)) << other;
  }
  EXPECT_TRUE(holds<std::string>("\"1\""));
}

TEST(FlatJson, MembersOfInnerObjectsAreNotMembers) {
  const auto parsed = parse_flat_object(R"({"a":{"x":1,"x":2},"b":[{"x":3}],"c":4})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->size(), 3U);
  EXPECT_EQ(std::get<std::int64_t>(parsed->at("c")), 4);
}

TEST(FlatJson, RefusesARepeatedMemberHoweverItIsSpelled) {
  EXPECT_EQ(error_of(R"({"x":1,"x":1})"), FlatError::repeated_member);
  EXPECT_EQ(error_of(R"({"x":1,"y":2,"\u0078":3})"), FlatError::repeated_member);
  EXPECT_EQ(error_of(R"({"x":[],"x":{}})"), FlatError::repeated_member);
}

TEST(FlatJson, RefusesWhatIsNoObject) {
  for (const auto* text : {"1", "\"x\"", "null", "[]", R"([{"x":1}])"}) {
    EXPECT_EQ(error_of(text), FlatError::not_an_object) << text;
  }
}

TEST(FlatJson, RefusesWhatIsNoJson) {
  for (const auto* text :
       {"", " ", "{", "}", "{x:1}", "{'x':1}", R"({"x":1)", R"({"x":1,})", R"({"x"})",
        R"({"x":1}{})", R"({"x":1} y)", R"({"x":01})", R"({"x":+1})", R"({"x":NaN})",
        R"({"x":1 /* no */})", "{\"x\":\"\n\"}", "{\"x\":\"\xff\"}", R"({"x":"\ud800"})"}) {
    EXPECT_EQ(error_of(text), FlatError::not_json) << text;
  }
}

TEST(FlatJson, RefusesDeepNesting) {
  EXPECT_EQ(error_of(R"({"x":)" + std::string(1000, '[') + std::string(1000, ']') + "}"),
            FlatError::not_json);
}

}  // namespace
}  // namespace service
