#include "redis/discovery.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "redis/slot.hpp"
#include "redis/tls.hpp"

namespace redis {

namespace {

namespace limits = base::limits;

constexpr std::chrono::milliseconds kConnectTime{limits::kRedisConnectMs};
constexpr std::chrono::milliseconds kSentinelTime{limits::kRedisSentinelMs};
constexpr std::chrono::milliseconds kGraceTime{50};

void add_auth(std::vector<Command>& commands, const Login& login) {
  if (!login.given()) return;
  commands.push_back(login.user.empty() ? command("AUTH", login.password)
                                        : command("AUTH", login.user, login.password));
}

/// The value of a field in a flat list of names and values.
std::string_view field_of(const Reply& list, std::string_view name) {
  for (std::size_t i = 0; i + 1 < list.elements.size(); i += 2) {
    if (list.elements[i].text == name) return list.elements[i + 1].text;
  }
  return {};
}

/// What a node says first. The fields index the commands; those that are not sent are npos.
struct Greeting {
  static constexpr std::size_t kNone = std::string::npos;

  std::vector<Command> commands;
  std::size_t auth = kNone, probe = kNone, hello = kNone, select = kNone;

  static Greeting make(const Login& login, int database, const std::string& name,
                       const std::string& key) {
    Greeting made;
    if (login.given()) made.auth = 0;
    add_auth(made.commands, login);
    made.hello = made.commands.size();
    made.commands.push_back(command("HELLO"));
    if (database != 0) {
      made.select = made.commands.size();
      made.commands.push_back(command("SELECT", database));
    }
    made.commands.push_back(command("CLIENT", "SETNAME", name));  // who may not, goes without
    if (!key.empty()) {
      made.probe = made.commands.size();
      made.commands.push_back(command("EXISTS", key));
    }
    return made;
  }

  /// Why this node will not do. The answer about the key comes first: it tells best whether the
  /// node is loading, serves another part of the cluster, or wants a password.
  [[nodiscard]] std::optional<Error> problem(const Replies& replies, const std::string& node,
                                             bool any_role) const {
    if (auto found = failed(replies, auth, node)) return found;
    if (probe != kNone && replies[probe].is_error()) {
      const auto meaning = meaning_of(replies[probe]);
      if (meaning.wrong_node && meaning.code != "ASK") return failed(replies, probe, node);
    }
    if (replies[hello].is_error() && replies[hello].code() != "NOPERM") {
      return failed(replies, hello, node);
    }
    if (field_of(replies[hello], "mode") == "sentinel") {
      return Error{Failure::not_applied, {}, node + ": is a sentinel: use redis+sentinel://"};
    }
    const auto role = field_of(replies[hello], "role");
    if (!any_role && !role.empty() && role != "master") {
      return Error{Failure::not_applied, "READONLY", node + ": is a replica, not a master"};
    }
    return failed(replies, select, node);
  }

 private:
  static std::optional<Error> failed(const Replies& replies, std::size_t index,
                                     const std::string& node) {
    if (index == kNone || !replies[index].is_error()) return std::nullopt;
    auto error = error_of(replies[index], node);
    error.kind = Failure::not_applied;  // nothing was asked yet
    return error;
  }
};

Error not_found(const Connection& connection, const std::string& why) {
  return {Failure::not_applied, {}, connection.name() + ": " + why};
}

/// Host and port as CLUSTER SLOTS gives them; a host it does not know is the one that was asked.
std::optional<Address> node_of(const Reply& entry, const Address& from) {
  if (!entry.is_array() || entry.elements.size() < 2) return std::nullopt;
  const auto port = entry.elements[1].integer;
  if (port < 1 || port > UINT16_MAX) return std::nullopt;
  const auto& host = entry.elements[0].text;
  return Address{
      host.empty() || host == "?" ? from.host : host, static_cast<std::uint16_t>(port), {}};
}

}  // namespace

std::optional<Address> redirection(const Reply& error, const Address& from) {
  const auto space = error.text.rfind(' ');
  const auto colon = error.text.rfind(':');
  if (space == std::string::npos || colon == std::string::npos || colon < space) return {};
  const auto port =
      base::parse_number<std::uint16_t>(std::string_view(error.text).substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  auto host = error.text.substr(space + 1, colon - space - 1);
  if (host.empty() || host == "?") host = from.host;
  return Address{host, *port, {}};
}

Discovery::Discovery(std::shared_ptr<Scope> scope, Url url, std::string key, std::string name)
    : scope_(std::move(scope)),
      url_(std::move(url)),
      tls_(make_tls(url_.tls)),
      key_(std::move(key)),
      name_(std::move(name)),
      nodes_(url_.addresses.begin(), url_.addresses.end()) {}

asio::awaitable<Discovery::Found> Discovery::connect() {
  if (url_.kind == Url::Kind::sentinel) return by_sentinels();
  if (url_.kind == Url::Kind::cluster) return in_cluster();
  return master_at(nodes_.front());
}

/// Which master a sentinel names. The epoch grows with every failover: a sentinel that was cut off
/// from the others, or has not heard of it yet, is behind.
struct Discovery::View {
  std::uint64_t config_epoch = 0;
  Address master;
  bool replaces_it = false;
};

/// The sentinel that leads a failover gives the old master the new epoch before it names the new
/// one.
bool Discovery::is_behind(const View& a, const View& b) {
  if (a.config_epoch != b.config_epoch) return a.config_epoch < b.config_epoch;
  return a.replaces_it && !b.replaces_it;
}

/// What all sentinels say together.
struct Discovery::Poll {
  Poll(const asio::any_io_executor& executor, std::size_t sentinels)
      : asked(sentinels), unanswered(sentinels), changed(executor, Time::max()) {}

  [[nodiscard]] const View* newest() const {
    const auto found = std::max_element(views.begin(), views.end(), is_behind);
    return found == views.end() ? nullptr : &*found;
  }

  [[nodiscard]] bool most_answered() const { return views.size() > asked / 2; }

  const std::size_t asked;
  std::size_t unanswered;
  Timer changed;  // cancelled by every answer
  std::vector<View> views;
  Error error;  // of one that gave no view
  std::vector<std::shared_ptr<Connection>> connections;
};

asio::awaitable<Discovery::Found> Discovery::by_sentinels() {
  Poll poll(scope_->executor(), nodes_.size());
  co_await ask_sentinels(poll);
  const View* const newest = poll.newest();
  if (newest == nullptr) co_return poll.error;
  config_epoch_ = newest->config_epoch;
  co_return co_await master_at(newest->master);
}

asio::awaitable<Mastership> Discovery::mastership_of(Address node) {
  if (url_.kind == Url::Kind::single) co_return Mastership::held;
  if (url_.kind == Url::Kind::cluster) co_return co_await ownership_of(std::move(node));
  Poll poll(scope_->executor(), nodes_.size());
  co_await ask_sentinels(poll);
  const View* const newest = poll.newest();
  const bool is_newer = newest != nullptr && newest->config_epoch >= config_epoch_;
  if (is_newer && newest->master != node && !newest->replaces_it) co_return Mastership::lost;
  // One that still names an older master is behind, because it led the failover to this one, say.
  const bool doubted = std::any_of(poll.views.begin(), poll.views.end(), [&](const View& view) {
    return view.master == node && view.replaces_it;
  });
  co_return poll.most_answered() && !doubted ? Mastership::held : Mastership::doubted;
}

/// What another node of the cluster says.
asio::awaitable<Mastership> Discovery::ownership_of(Address node) {
  const auto nodes = nodes_;
  for (const Address& other : nodes) {
    if (other == node) continue;
    const auto owner = co_await owner_by(other);
    if (owner) co_return *owner == node ? Mastership::held : Mastership::lost;
  }
  co_return nodes.size() > 1 ? Mastership::doubted : Mastership::held;
}

/// All at the same time. When most have answered the others have little time left: one that is cut
/// off together with the master must not hold up the way to the new one.
asio::awaitable<void> Discovery::ask_sentinels(Poll& poll) {
  for (const Address& sentinel : nodes_) scope_->spawn(ask_sentinel(sentinel, poll));
  bool hurried = false;
  while (poll.unanswered > 0) {
    const auto [cancelled] = co_await poll.changed.async_wait(kAwait);
    if (!cancelled) {
      for (const auto& connection : poll.connections) connection->close("too late");
      poll.changed.expires_at(Time::max());
    } else if (poll.most_answered() && !std::exchange(hurried, true)) {
      poll.changed.expires_after(kGraceTime);
    }
  }
}

asio::awaitable<void> Discovery::ask_sentinel(Address sentinel, Poll& poll) {
  const auto connection = std::make_shared<Connection>(scope_, std::move(sentinel));
  poll.connections.push_back(connection);
  auto view = co_await view_of(*connection);
  connection->close("done");
  if (view) {
    poll.views.push_back(std::move(*view));
  } else {
    poll.error = view.error();
  }
  --poll.unanswered;
  poll.changed.cancel();
}

asio::awaitable<base::Result<Discovery::View, Error>> Discovery::view_of(Connection& sentinel) {
  const auto where = "sentinel " + sentinel.name();
  const auto opened = co_await sentinel.open(tls_.get(), Timer::clock_type::now() + kSentinelTime);
  if (!opened) co_return Error{Failure::not_applied, {}, where + ": " + opened.error().message};
  std::vector<Command> commands;
  add_auth(commands, url_.sentinel_login);
  commands.push_back(command("SENTINEL", "MASTER", url_.master_name));
  const auto replies = co_await say(sentinel, commands, kSentinelTime);
  if (!replies) co_return replies.error();
  const Reply& answer = replies->back();
  if (answer.is_error() && answer.code() == "ERR") {
    co_return Error{Failure::not_applied, {}, where + ": knows no master of that name"};
  }
  for (const Reply& reply : *replies) {
    if (reply.is_error()) co_return error_of(reply, where);
  }
  const auto port = base::parse_number<std::uint16_t>(field_of(answer, "port"));
  const auto epoch = base::parse_number<std::uint64_t>(field_of(answer, "config-epoch"));
  if (!port || !epoch) {
    co_return Error{Failure::not_applied, {}, where + ": gave a reply that is not understood"};
  }
  View view;
  view.config_epoch = *epoch;
  view.master = {std::string(field_of(answer, "ip")), *port, {}};
  // Not s_down or o_down: after a failover sentinels take the new master for down for a moment.
  view.replaces_it = field_of(answer, "flags").find("failover_in_progress") != std::string::npos;
  co_return view;
}

asio::awaitable<Discovery::Found> Discovery::in_cluster() {
  Error last;
  if (const auto hint = std::exchange(hint_, std::nullopt)) {
    auto found = co_await follow(*hint);
    if (found) co_return found;
    last = found.error();
  }
  for (std::size_t i = nodes_.size(); i > 0 && !scope_->stopping(); --i) {
    const Address node = nodes_.front();
    std::rotate(nodes_.begin(), nodes_.begin() + 1, nodes_.end());
    const auto owner = co_await owner_by(node);
    if (owner) {
      auto found = co_await follow(*owner);
      if (found) co_return found;
      last = found.error();
    } else {
      last = owner.error();
    }
  }
  co_return last;
}

/// To the owner of the key, from a node that may no longer be it.
asio::awaitable<Discovery::Found> Discovery::follow(Address address) {
  for (std::size_t i = 0;; ++i) {
    auto found = co_await master_at(address);
    if (found || found.error().code != "MOVED" || i == limits::kRedisRedirectionsMax) {
      co_return found;
    }
    const auto target = redirection(
        {.type = Reply::Type::error, .text = found.error().message, .elements = {}}, address);
    if (!target) co_return found;
    address = *target;
  }
}

asio::awaitable<base::Result<Address, Error>> Discovery::owner_by(Address node) {
  const auto opened = co_await connect_to(node);
  if (!opened) co_return opened.error();
  auto& connection = **opened;
  const std::vector<Command> commands{command("CLUSTER", "SLOTS")};
  const auto replies = co_await say(connection, commands, kConnectTime);
  connection.close("done");
  if (!replies) co_return replies.error();
  const Reply& slots = replies->front();
  if (slots.code() == "NOPERM") co_return node;  // whether it is will be seen from what it answers
  if (slots.is_error()) co_return error_of(slots, connection.name());
  const auto owner = learn(slots, node);
  if (owner) co_return *owner;
  co_return not_found(connection, "knows no owner of the slot");
}

/// The owner of the key's slot; and all nodes, so that any of them can be asked next time.
std::optional<Address> Discovery::learn(const Reply& slots, const Address& from) {
  const auto slot = slot_of(key_);
  std::optional<Address> owner;
  std::deque<Address> known;
  const auto add = [&known](const Address& node) {
    if (known.size() == limits::kRedisNodesMax) return;
    if (std::find(known.begin(), known.end(), node) == known.end()) known.push_back(node);
  };
  for (const Reply& range : slots.elements) {
    for (std::size_t i = 2; i < range.elements.size(); ++i) {
      const auto node = node_of(range.elements[i], from);
      if (!node) continue;
      add(*node);
      const bool ours = range.elements[0].integer <= slot && slot <= range.elements[1].integer;
      if (i == 2 && ours) owner = node;
    }
  }
  for (const Address& node : url_.addresses) add(node);
  nodes_ = std::move(known);
  return owner;
}

asio::awaitable<Discovery::Found> Discovery::master_at(Address address) {
  // A master that was stopped still lets everybody in; the sentinels know a better one soon.
  const auto time = url_.kind == Url::Kind::sentinel ? kSentinelTime : kConnectTime;
  const auto opened = co_await open(address, time);
  if (!opened) co_return opened;
  auto& connection = **opened;
  const auto greeting = Greeting::make(url_.login, url_.database, name_, key_);
  const auto replies = co_await say(connection, greeting.commands, time);
  if (!replies) co_return replies.error();
  const auto problem = greeting.problem(*replies, connection.name(), false);
  if (!problem) co_return opened;
  connection.close("not the one");
  co_return *problem;
}

asio::awaitable<Discovery::Found> Discovery::connect_to(Address address) {
  const auto opened = co_await open(address, kConnectTime);
  if (!opened) co_return opened;
  auto& connection = **opened;
  const auto greeting = Greeting::make(url_.login, 0, name_, {});
  const auto replies = co_await say(connection, greeting.commands, kConnectTime);
  if (!replies) co_return replies.error();
  const auto problem = greeting.problem(*replies, connection.name(), true);
  if (!problem) co_return opened;
  connection.close("not the one");
  co_return *problem;
}

asio::awaitable<Discovery::Found> Discovery::open(Address address, std::chrono::milliseconds time) {
  auto connection = std::make_shared<Connection>(scope_, std::move(address));
  const auto status = co_await connection->open(tls_.get(), Timer::clock_type::now() + time);
  if (!status) co_return not_found(*connection, status.error().message);
  co_return connection;
}

asio::awaitable<base::Result<Replies, Error>> Discovery::say(Connection& connection,
                                                             const std::vector<Command>& commands,
                                                             std::chrono::milliseconds time) {
  auto replies = co_await connection.exchange(encode(commands), commands.size(),
                                              Timer::clock_type::now() + time);
  if (replies) co_return std::move(*replies);
  connection.close(replies.error().why);
  co_return not_found(connection, replies.error().why);
}

}  // namespace redis
