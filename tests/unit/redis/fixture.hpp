// What the tests of the Redis client share: a client or a subscriber on a loop of the test's own
// thread, and what it told about itself.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "redis/client.hpp"
#include "redis/subscriber.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/redis_server.hpp"

namespace redis {

using support::RedisServer;
using namespace std::chrono_literals;

inline Url url_of(const std::string& text) {
  const auto url = Url::parse(text);
  if (!url) throw std::runtime_error(url.error().message);
  return url.value();
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What on_state told: one "+node" or "-reason" each.
struct Told {
  std::vector<std::string> lines;

  auto listener() {
    return [this](bool connected, const std::string& why) {
      lines.push_back((connected ? '+' : '-') + why);
    };
  }
  [[nodiscard]] std::size_t count(char kind) const {
    std::size_t found = 0;
    for (const auto& line : lines) found += line.front() == kind ? 1 : 0;
    return found;
  }
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
  }
};

/// A client and its loop; stopped and awaited at the end.
struct TestClient {
  explicit TestClient(const std::string& url, const std::string& key = "k") {
    client = std::make_unique<Client>(
        loop.executor(),
        ClientOptions{.url = url_of(url), .key = key, .on_state = told.listener()});
  }
  ~TestClient() {
    client->stop();
    loop.run(client->stopped());
  }

  base::Result<Client::Replies, Error> ask(std::vector<Command> commands,
                                           std::chrono::milliseconds time = 10s) {
    return loop.run(client->ask(std::move(commands), time));
  }
  base::Result<Reply, Error> ask_one(Command command, std::chrono::milliseconds time = 10s) {
    return loop.run(client->ask_one(std::move(command), time));
  }
  /// The text or the number of one reply, or "kind: message" of the error.
  std::string say(Command command, std::chrono::milliseconds time = 10s) {
    const auto reply = ask_one(std::move(command), time);
    if (!reply) return text_of(reply.error());
    return reply->type == Reply::Type::integer ? std::to_string(reply->integer) : reply->text;
  }
  static std::string text_of(const Error& error) {
    const char* const kinds[] = {"not_applied: ", "unknown: ", "refused: "};
    return kinds[static_cast<int>(error.kind)] + error.message;
  }
  void until_connected() {
    loop.until([this] { return !client->address().empty(); });
  }
  void until_disconnected() {
    loop.until([this] { return client->address().empty(); });
  }

  support::Loop loop;
  Told told;
  std::unique_ptr<Client> client;
};

}  // namespace redis
