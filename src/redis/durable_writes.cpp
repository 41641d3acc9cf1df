#include "redis/durable_writes.hpp"

#include <utility>

#include "redis/replication.hpp"

namespace redis {

namespace {

// Plain functions, because GCC 12 goes wrong about lists in braces inside coroutines.

Error told_already() { return {Failure::not_applied, {}, {}}; }

Error in_doubt(const std::string& address) {
  return {Failure::not_applied, {}, address + ": is being replaced as the master, maybe"};
}

Error not_confirmed(const char* why) { return {Failure::unknown, {}, why}; }

}  // namespace

/// Whoever is there when the node is known to be the master, or may become it afterwards: the
/// master is asked first, and then those who decide who it is.
boost::asio::awaitable<base::Result<base::Done, Error>> DurableWrites::learn(bool anew) {
  const auto connection = connections_;
  const auto durability = co_await ask_durability(client_);
  if (!durability) co_return durability.error();
  const auto mastership = co_await client_.check_mastership();
  if (mastership == Mastership::lost || connection != connections_) co_return told_already();
  if (mastership != Mastership::held) co_return in_doubt(client_.address());
  if (!anew) {
    confirmers_.forget_missing(durability->online);
    co_return base::Done{};
  }
  const bool alone = kind_ == Url::Kind::single;
  const bool without = alone && (durability->synced || durability->online.empty());
  risky_ = without && !durability->synced;
  confirmers_.reset(durability->online, without ? 0 : 1);
  co_return base::Done{};
}

boost::asio::awaitable<base::Result<Reply, Error>> DurableWrites::write(Command command) {
  const auto confirm = confirmers_.count();
  const auto connection = connections_;
  std::vector<Command> commands;
  commands.push_back(std::move(command));
  if (confirm > 0) {
    commands.push_back(redis::command("WAIT", confirm, kConfirmMs));
    commands.push_back(redis::command("INFO", "replication"));
  }
  auto replies = co_await client_.ask(std::move(commands), kCallTime);
  if (!replies) {
    // A connection that has ended tells of itself.
    if (connection == connections_) doubt_ = replies.error().message;
    co_return replies.error();
  }
  auto& reply = replies->front();
  if (reply.is_error()) {
    auto error = error_of(reply, client_.address());
    // A refusal is about the command.
    if (error.kind != Failure::refused && connection == connections_) doubt_ = error.message;
    co_return error;
  }
  if (connection != connections_) {
    // A master that was left still answers what it was sent; who must confirm is known of another.
    co_return not_confirmed("the connection has changed meanwhile");
  }
  if (confirm > 0) {
    const auto verdict = confirmers_.judge((*replies)[1].integer, online_in((*replies)[2].text));
    if (verdict == Confirmers::Verdict::too_few) {
      doubt_ = client_.address() + ": too few replicas confirm what is written";
    }
    if (verdict != Confirmers::Verdict::confirmed) {
      co_return not_confirmed("too few replicas have confirmed");
    }
  }
  doubt_.clear();
  co_return std::move(reply);
}

boost::asio::awaitable<void> DurableWrites::look() {
  if (confirmers_.count() == 0 || !doubt_.empty()) co_return;
  const auto connection = connections_;
  const auto online = co_await ask_online(client_);
  if (!online || connection != connections_ || confirmers_.see(*online)) co_return;
  doubt_ = client_.address() + ": a replica that must confirm has gone";
}

}  // namespace redis
