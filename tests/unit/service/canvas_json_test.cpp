// The bodies of docs/api.md: what is taken, what is refused with which code, what is answered.
#include "service/canvas_json.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "tests/unit/service/fakes.hpp"

namespace service {
namespace {

namespace json = boost::json;

json::object parsed(std::string_view text) {
  return json::parse({text.data(), text.size()}).as_object();
}

std::string code_of(const Reply& reply) {
  EXPECT_EQ(reply.status, 400);
  return std::string(parsed(reply.bytes()).at("error").at("code").as_string());
}

std::string code_of_pixel(std::string_view body) {
  const auto pixel = parse_pixel(body);
  EXPECT_FALSE(pixel.ok()) << body;
  return code_of(pixel.error());
}

std::vector<std::string> names_in(const json::object& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object) names.emplace_back(name);
  return names;
}

TEST(PixelBody, IsThreeWholeNumbersInAnyOrder) {
  const auto pixel = parse_pixel(R"({"color":3,"x":1,"y":2})");
  ASSERT_TRUE(pixel.ok());
  EXPECT_EQ(pixel->x, 1);
  EXPECT_EQ(pixel->y, 2);
  EXPECT_EQ(pixel->color, 3);
}

TEST(PixelBody, KeepsNumbersThatAreOutsideForTheRulesToRefuse) {
  const auto pixel = parse_pixel(R"({"x":-1,"y":9223372036854775807,"color":4294967296})");
  ASSERT_TRUE(pixel.ok());
  EXPECT_EQ(pixel->x, -1);
  EXPECT_EQ(pixel->y, INT64_MAX);
  EXPECT_EQ(pixel->color, 4'294'967'296);
}

TEST(PixelBody, OfAnotherShapeIsABadRequest) {
  for (const auto* body :
       {"[]", "7", "{}", R"({"x":1,"y":2})", R"({"x":1,"y":2,"color":3,"name":"x"})",
        R"({"x":1,"y":2,"colour":3})", R"({"x":1.5,"y":2,"color":3})",
        R"({"x":1.0,"y":2,"color":3})", R"({"x":"1","y":2,"color":3})",
        R"({"x":null,"y":2,"color":3})", R"({"x":true,"y":2,"color":3})",
        R"({"x":[1],"y":2,"color":3})", R"({"x":1,"x":1,"y":2,"color":3})"}) {
    EXPECT_EQ(code_of_pixel(body), "bad_request") << body;
  }
}

TEST(PixelBody, ThatIsNotJsonIsBadJson) {
  for (const auto* body : {"", "x=1&y=2", R"({"x":1,"y":2,"color":3)", "\xff\xfe"}) {
    EXPECT_EQ(code_of_pixel(body), "bad_json") << body;
  }
}

TEST(InitDataBody, IsOneString) {
  const auto init_data = parse_init_data(R"({"init_data":"query_id=1&user=%7B%7D"})");
  ASSERT_TRUE(init_data.ok());
  EXPECT_EQ(*init_data, "query_id=1&user=%7B%7D");
  for (const auto* body :
       {"{}", R"({"init_data":1})", R"({"init_data":null})", R"({"init_data":"x","more":"y"})"}) {
    const auto refused = parse_init_data(body);
    ASSERT_FALSE(refused.ok()) << body;
    EXPECT_EQ(code_of(refused.error()), "bad_request") << body;
  }
}

TEST(IdempotencyKey, IsAProducerOfItsOwn) {
  EXPECT_EQ(producer_of("a"), producer_of("a"));
  EXPECT_NE(producer_of("a"), producer_of("b"));
  EXPECT_NE(producer_of("a"), producer_of("A"));
  EXPECT_NE(producer_of("!~"), base::ProducerId{});
}

TEST(IdempotencyKey, IsOneTo64VisibleAsciiCharacters) {
  EXPECT_NE(producer_of(std::string(64, 'k')), base::ProducerId{});
  EXPECT_EQ(producer_of(std::string(65, 'k')), base::ProducerId{});
  EXPECT_EQ(producer_of(""), base::ProducerId{});
  for (const auto* bad : {" ", "a b", "a\tb", "\x7f", "ключ", "a\x01"}) {
    EXPECT_EQ(producer_of(bad), base::ProducerId{}) << bad;
  }
}

TEST(CanvasJson, HasTheMembersOfTheSpecification) {
  FakeGame fake;
  fake.game.set_online(12);
  const auto canvas = parsed(*CanvasJson(fake.game).get());
  auto names = names_in(canvas);
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"charges_max", "color_bits", "cooldown_ms", "digest",
                                             "epoch", "frozen", "guests", "height", "name",
                                             "offset", "online", "palette", "served_by", "telegram",
                                             "time_ms", "version", "width"}));
  EXPECT_EQ(canvas.at("name"), "Test \"canvas\"");
  EXPECT_EQ(canvas.at("width"), 20);
  EXPECT_EQ(canvas.at("height"), 10);
  EXPECT_EQ(canvas.at("color_bits"), 5);
  EXPECT_EQ(canvas.at("palette").as_array().size(), 32U);
  EXPECT_EQ(canvas.at("palette").at(0), "#6D001A");
  EXPECT_EQ(canvas.at("cooldown_ms"), 5000);
  EXPECT_EQ(canvas.at("charges_max"), 5);
  EXPECT_EQ(canvas.at("frozen"), false);
  EXPECT_EQ(canvas.at("telegram"), false);
  EXPECT_EQ(canvas.at("epoch"), 7);
  EXPECT_EQ(canvas.at("offset"), 41);
  EXPECT_EQ(canvas.at("digest").as_string(), base::to_hex(digest_at(41)));
  EXPECT_EQ(canvas.at("online"), 12);
}

TEST(CanvasJson, FollowsTheRulesOfTheMoment) {
  FakeGame fake;
  CanvasJson json(fake.game);
  EXPECT_EQ(parsed(*json.get()).at("frozen"), false);
  fake.journal.now = {.cooldown_ms = 0, .charges_max = 1, .frozen = true};
  const auto canvas = parsed(*json.get());
  EXPECT_EQ(canvas.at("cooldown_ms"), 0);
  EXPECT_EQ(canvas.at("frozen"), true);
  fake.game.set_online(5);
  EXPECT_EQ(parsed(*json.get()).at("online"), 5);
}

TEST(CanvasJson, SaysWhereTheMiniAppIsIfThereIsOne) {
  auto settings = FakeGame::settings();
  settings.telegram_url = "https://t.me/pixels/app";
  const FakeGame fake(settings);
  const auto canvas = parsed(*CanvasJson(fake.game).get());
  EXPECT_EQ(canvas.at("telegram_url"), "https://t.me/pixels/app");
}

TEST(SessionJson, GivesUserIdsAsStrings) {
  const auto session = parsed(
      session_json({"v1.a.b", 1'767'225'600'000, {base::PersonId{-4211}, "Guest \"4211\""}}));
  EXPECT_EQ(session, parsed(R"({"token":"v1.a.b","expires_at_ms":1767225600000,
                                "user":{"id":"-4211","name":"Guest \"4211\""}})"));
}

TEST(PersonJson, SaysWhatIsLeft) {
  EXPECT_EQ(parsed(person_json({base::PersonId{5}, "Аня"}, {3, 1200})),
            parsed(R"({"user":{"id":"5","name":"Аня"},"charges":3,"next_charge_ms":1200})"));
}

TEST(AcceptedJson, SaysWhereThePixelStands) {
  EXPECT_EQ(parsed(accepted_json({{7, 42}, {3, 1200}})),
            parsed(R"({"epoch":7,"offset":42,"charges":3,"next_charge_ms":1200})"));
}

TEST(PlacementsJson, ListsWhoAndWhen) {
  const std::vector<journal::Placement> placements = {
      {{.offset = 9, .time_ms = 5, .person = base::PersonId{-1}, .color = 2}, "Guest 1"},
      {{.offset = 3, .time_ms = 4, .person = base::PersonId{8}, .color = 1}, "Аня"}};
  EXPECT_EQ(parsed(placements_json(1, 2, 2, placements)),
            parsed(R"({"x":1,"y":2,"color":2,"placements":[
              {"offset":9,"color":2,"time_ms":5,"user":{"id":"-1","name":"Guest 1"}},
              {"offset":3,"color":1,"time_ms":4,"user":{"id":"8","name":"Аня"}}]})"));
  EXPECT_EQ(parsed(placements_json(1, 2, 31, {})),
            parsed(R"({"x":1,"y":2,"color":31,"placements":[]})"));
}

}  // namespace
}  // namespace service
