// The route table: what is found, who may call it, and what becomes of everything else.
#include "service/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/clock.hpp"
#include "tests/unit/service/fake_headers.hpp"

namespace service {
namespace {

class FakeStreams final : public Streams {
 public:
  std::vector<TopicEvent> take_changed() override { return {}; }
  TopicEvent newest(Topic topic) override { return {.topic = topic, .version = 1, .bytes = {}}; }

  std::vector<Topic> left;

 private:
  void leave(Topic topic) override { left.push_back(topic); }
};

class RouterTest : public ::testing::Test {
 protected:
  /// A handler that says who called and with what.
  static Reply echo(const Call& call) {
    std::string body = call.person != nullptr ? call.person->name : "nobody";
    for (const auto parameter : call.parameters) body.append(" ").append(parameter);
    return {.body = body};
  }

  static std::vector<Route> table(Streams& streams) {
    const auto throwing = [](const Call&) -> Reply { throw std::runtime_error("a secret"); };
    return {
        {.method = Method::get, .pattern = "/api/canvas", .handler = AtOnce(echo)},
        {.method = Method::get, .pattern = "/api/pixels/{x}/{y}", .handler = AtOnce(echo)},
        {.method = Method::post,
         .pattern = "/api/pixels",
         .access = Access::signed_in,
         .handler = Later([](const Call& call, const Respond& respond) { respond(echo(call)); })},
        {.method = Method::get, .pattern = "/both", .handler = AtOnce(echo)},
        {.method = Method::post, .pattern = "/both", .handler = AtOnce(echo)},
        {.method = Method::get,
         .pattern = "/follow/{topic}",
         .handler = Stream([&streams](const Call& call) -> std::variant<Following, Reply> {
           if (call.parameters[0] == "bug") throw std::logic_error("a bug");
           if (call.parameters[0] != "news") return error_reply(404, "no_topic", "None.");
           return Following(streams, 7);
         })},
        {.method = Method::get,
         .pattern = "/private",
         .access = Access::signed_in,
         .handler = Stream([&streams](const Call& call) -> std::variant<Following, Reply> {
           return Following(streams, static_cast<Topic>(call.person->name.size()));
         })},
        {.method = Method::get, .pattern = "/throws", .handler = AtOnce(throwing)},
        {.method = Method::get,
         .pattern = "/throws/later",
         .handler = Later([](const Call&, const Respond&) { throw std::logic_error("a bug"); })},
    };
  }

  ops::CanvasMetrics metrics{"test"};
  auth::TokenSigner tokens{std::vector<std::string>{"a key of sixteen characters"}};
  FakeStreams streams;
  Router router{table(streams), tokens, metrics};

  std::optional<Match> find(Method method, std::string_view path) {
    auto found = router.find(method, path);
    if (auto* match = std::get_if<Match>(&found)) return std::move(*match);
    return std::nullopt;
  }

  Reply refusal(Method method, std::string_view path) {
    return std::get<Reply>(router.find(method, path));
  }

  /// What a request is answered, at once or later.
  Reply call(Method method, std::string_view path, const FakeHeaders& headers = {}) {
    struct Waiting : Responder {
      std::optional<Reply> reply;
      void post(std::shared_ptr<Responder>, base::Callback<void()> task) override { task(); }
      void take(std::uint64_t, Reply later) override {
        EXPECT_FALSE(reply.has_value()) << "answered once";
        reply = std::move(later);
      }
    };
    const auto waiting = std::make_shared<Waiting>();
    const Request request{.method = method, .path = path, .headers = headers};
    const auto match = find(method, path);
    auto now = router.run(match.value(), request, Respond(waiting, 1));
    EXPECT_NE(now.has_value(), waiting->reply.has_value()) << "answered once";
    return now ? std::move(*now) : std::move(waiting->reply).value();
  }

  Reply place_with(const std::string& authorization) {
    return call(Method::post, "/api/pixels", FakeHeaders({{"Authorization", authorization}}));
  }
};

TEST_F(RouterTest, FindsTheRouteOfAMethodAndAPath) {
  EXPECT_EQ(find(Method::get, "/api/canvas")->route->pattern, "/api/canvas");
  EXPECT_EQ(find(Method::post, "/api/pixels")->route->pattern, "/api/pixels");
  EXPECT_EQ(find(Method::post, "/both")->route->method, Method::post);
  EXPECT_TRUE(find(Method::get, "/api/canvas")->metrics.has_value());
}

TEST_F(RouterTest, FillsInTheParametersAsTheyAreWritten) {
  EXPECT_EQ(find(Method::get, "/api/pixels/12/%33")->parameters,
            (std::vector<std::string_view>{"12", "%33"}));
  EXPECT_TRUE(find(Method::get, "/api/canvas")->parameters.empty());
}

TEST_F(RouterTest, AnUnknownPathIsNotFound) {
  for (const auto* path : {"", "/", "/api", "/api/", "/api/canvas/", "//api/canvas", "/API/canvas",
                           "/api/canvass", "/api/pixels/1", "/api/pixels/1/", "/api/pixels//2",
                           "/api/pixels/1/2/", "/api/pixels/1/2/3", "/api%2Fcanvas"}) {
    const auto reply = refusal(Method::get, path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_NE(reply.bytes().find("\"not_found\""), std::string_view::npos);
  }
}

TEST_F(RouterTest, AnotherMethodIsNotAllowedAndTheReplySaysWhichAre) {
  const auto reply = refusal(Method::post, "/api/canvas");
  EXPECT_EQ(reply.status, 405);
  EXPECT_NE(reply.headers.find("Allow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_NE(refusal(Method::get, "/api/pixels").headers.find("Allow: POST\r\n"), std::string::npos);
  EXPECT_NE(refusal(Method::other, "/both").headers.find("Allow: GET, HEAD, POST\r\n"),
            std::string::npos);
  EXPECT_EQ(refusal(Method::head, "/api/pixels").status, 405);
}

TEST_F(RouterTest, HeadIsAnsweredLikeGet) {
  EXPECT_EQ(find(Method::head, "/api/canvas")->route, find(Method::get, "/api/canvas")->route);
  EXPECT_EQ(call(Method::head, "/api/pixels/1/2").bytes(), "nobody 1 2");
}

TEST_F(RouterTest, RunsTheHandlerAtOnceOrLater) {
  EXPECT_EQ(call(Method::get, "/api/canvas").bytes(), "nobody");
  EXPECT_EQ(
      place_with("Bearer " + tokens.sign({base::PersonId{5}, "Аня"}, base::wall_ms() + 60'000))
          .bytes(),
      "Аня");
}

TEST_F(RouterTest, WhoIsNotSignedInIsUnauthorised) {
  for (const auto* authorization : {"", "Bearer", "Bearer ", "Basic QTpC", "v1.a.b"}) {
    const auto reply = place_with(authorization);
    EXPECT_EQ(reply.status, 401) << authorization;
    EXPECT_NE(reply.bytes().find("\"not_signed_in\""), std::string_view::npos) << authorization;
    EXPECT_NE(reply.headers.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
  }
}

TEST_F(RouterTest, ABadOrExpiredTokenIsUnauthorisedAndTheReplySaysWhich) {
  const auto bad = place_with("Bearer v1.a.b");
  EXPECT_EQ(bad.status, 401);
  EXPECT_NE(bad.bytes().find("\"bad_token\""), std::string_view::npos);

  const auto old_token = tokens.sign({base::PersonId{5}, "Аня"}, base::wall_ms() - 1);
  const auto expired = place_with("Bearer " + old_token);
  EXPECT_EQ(expired.status, 401);
  EXPECT_NE(expired.bytes().find("\"expired_token\""), std::string_view::npos);
  EXPECT_NE(expired.headers.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
}

TEST_F(RouterTest, AHandlerThatThrowsIsAnInternalErrorWithoutItsReason) {
  for (const auto* path : {"/throws", "/throws/later"}) {
    const auto reply = call(Method::get, path);
    EXPECT_EQ(reply.status, 500) << path;
    EXPECT_NE(reply.bytes().find("\"internal\""), std::string_view::npos);
    EXPECT_EQ(reply.bytes().find("secret"), std::string_view::npos);
  }
}

TEST_F(RouterTest, AStreamIsOpenedByItsTopicOrRefused) {
  const auto open = [&](std::string_view path, const FakeHeaders& headers = {}) {
    const Request request{.method = Method::get, .path = path, .headers = headers};
    const auto match = find(Method::get, path);
    EXPECT_TRUE(match->route->is_stream());
    return router.open(match.value(), request);
  };
  EXPECT_EQ(std::get<Following>(open("/follow/news")).topic(), 7U);
  EXPECT_EQ(std::get<Reply>(open("/follow/other")).status, 404);
  EXPECT_EQ(std::get<Reply>(open("/follow/bug")).status, 500);
  EXPECT_EQ(std::get<Reply>(open("/private")).status, 401);
  const auto token = tokens.sign({base::PersonId{5}, "Ann"}, base::wall_ms() + 60'000);
  const FakeHeaders signed_in({{"Authorization", "Bearer " + token}});
  EXPECT_EQ(std::get<Following>(open("/private", signed_in)).topic(), 3U);
  EXPECT_EQ(streams.left, (std::vector<Topic>{7, 3})) << "as soon as nobody holds them";
}

}  // namespace
}  // namespace service
