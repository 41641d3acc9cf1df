#include "redis/replication.hpp"

#include <string>
#include <utility>

#include "base/text.hpp"
#include "redis/durable_writes.hpp"

namespace redis {

namespace {

// A replica that has not been heard of for longer is frozen or cut off: nobody will make it master.
constexpr std::int64_t kLagMaxS = 3;

/// "yes" for appendonly in the pairs of CONFIG GET.
std::string_view setting(const Reply& pairs, std::string_view name) {
  for (std::size_t i = 0; i + 1 < pairs.elements.size(); i += 2) {
    if (pairs.elements[i].text == name) return pairs.elements[i + 1].text;
  }
  return {};
}

/// The value after "name=" in one line of INFO, as "slave0:ip=10.0.0.7,port=6379,state=online".
std::string_view part(std::string_view line, std::string_view name) {
  const auto at = line.find(name);
  if (at == std::string_view::npos) return {};
  const auto value = line.substr(at + name.size());
  return value.substr(0, value.find_first_of(",\r\n"));
}

}  // namespace

ReplicaSet online_in(std::string_view text) {
  ReplicaSet online;
  for (std::size_t at = text.find("\nslave"); at != std::string_view::npos;
       at = text.find("\nslave", at + 1)) {
    const auto line = text.substr(at + 1, text.find('\n', at + 1) - at);
    const auto lag_s = base::parse_number<std::int64_t>(part(line, ",lag="));
    if (part(line, ",state=") != "online" || !lag_s || *lag_s > kLagMaxS) continue;
    online.insert(std::string(part(line, ":ip=")).append(":").append(part(line, ",port=")));
  }
  return online;
}

boost::asio::awaitable<base::Result<Durability, Error>> ask_durability(Client& client) {
  std::vector<Command> commands;
  commands.push_back(command("CONFIG", "GET", "append*"));
  commands.push_back(command("INFO", "replication"));
  auto replies = co_await client.ask(std::move(commands), kCallTime);
  if (!replies) co_return replies.error();
  const auto& settings = (*replies)[0];
  Durability durability;
  durability.synced =
      setting(settings, "appendonly") == "yes" && setting(settings, "appendfsync") == "always";
  durability.online = online_in((*replies)[1].text);
  co_return durability;
}

boost::asio::awaitable<base::Result<ReplicaSet, Error>> ask_online(Client& client) {
  const auto about = co_await client.ask_one(command("INFO", "replication"), kCallTime);
  if (!about) co_return about.error();
  co_return online_in(about->text);
}

boost::asio::awaitable<base::Result<bool, Error>> ask_replicated(Client& client, Command write) {
  const auto about = co_await client.ask_one(command("INFO", "replication"), kCallTime);
  if (!about) co_return about.error();
  if (about->text.find("\nconnected_slaves:0\r") != std::string::npos) co_return true;
  std::vector<Command> commands;
  commands.push_back(std::move(write));
  commands.push_back(command("WAIT", 1, kConfirmMs));
  const auto replies = co_await client.ask(std::move(commands), kCallTime);
  if (!replies) co_return replies.error();
  co_return replies->back().integer > 0;
}

}  // namespace redis
