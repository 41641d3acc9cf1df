#include "redis/client.hpp"

#include <algorithm>
#include <list>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "redis/keeper.hpp"

namespace redis {

namespace {

namespace limits = base::limits;

std::size_t size_of_all(const std::vector<Command>& commands) {
  std::size_t bytes = 0;
  for (const Command& command : commands) bytes += size_of(command);
  return bytes;
}

/// Changes nothing, wherever it is answered: a cluster's node answers WAIT although it has sent
/// the command before it elsewhere.
bool is_harmless(const Command& command) {
  return !command.empty() && (base::equal_ignoring_case(command.front(), "WAIT") ||
                              base::equal_ignoring_case(command.front(), "WAITAOF") ||
                              base::equal_ignoring_case(command.front(), "INFO"));
}

/// The reply by which the node says that it is not the right one; null if there is none.
const Reply* wrong_node(const Replies& replies) {
  const auto found = std::find_if(replies.begin(), replies.end(), [](const Reply& reply) {
    return reply.is_error() && meaning_of(reply).wrong_node;
  });
  return found == replies.end() ? nullptr : &*found;
}

/// A node may have said for one command that it is not ready, and been ready for the next.
bool nothing_applied(const std::vector<Command>& commands, const Replies& replies) {
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const bool refused =
        replies[i].is_error() && meaning_of(replies[i]).kind == Failure::not_applied;
    if (!refused && !is_harmless(commands[i])) return false;
  }
  return true;
}

}  // namespace

/// Coroutines hold it, so it outlives them; whoever waits for a connection stands in `waiting`.
struct Client::Core {
  using Answer = base::Result<Replies, Error>;
  class UnderWay;

  Core(const asio::any_io_executor& executor, ClientOptions options)
      : scope(std::make_shared<Scope>(executor)),
        keeper(std::make_shared<Keeper>(
            scope, std::move(options.url), std::move(options.key), options.name,
            Keeper::Hooks{std::move(options.on_state), {}, [this] { wake(); }})),
        hook(scope, [this] { wake(); }) {}

  void wake() {
    for (Timer* timer : waiting) timer->cancel();
  }

  /// Null when `timer` has expired or the client has been stopped.
  static asio::awaitable<std::shared_ptr<Connection>> connected(std::shared_ptr<Core> core,
                                                                Timer& timer);
  static asio::awaitable<Answer> ask(std::shared_ptr<Core> core, std::vector<Command> commands,
                                     std::chrono::milliseconds time);
  static asio::awaitable<base::Result<Reply, Error>> ask_one(std::shared_ptr<Core> core,
                                                             Command command,
                                                             std::chrono::milliseconds time);
  static asio::awaitable<Answer> ask_admitted(std::shared_ptr<Core> core,
                                              std::vector<Command> commands,
                                              std::chrono::milliseconds time);
  static asio::awaitable<Answer> ask_elsewhere(std::shared_ptr<Core> core, Address node,
                                               std::vector<Command> commands, Time deadline);
  static asio::awaitable<Mastership> check_mastership(std::shared_ptr<Core> core);
  [[nodiscard]] Error missing() const;

  std::shared_ptr<Scope> scope;
  std::shared_ptr<Keeper> keeper;
  std::list<Timer*> waiting;
  std::size_t bytes = 0;  // of the requests under way
  std::size_t asks = 0;
  Scope::Hook hook;
};

/// Counts one request, as long as it is under way.
class Client::Core::UnderWay {
 public:
  UnderWay(Core& core, std::size_t bytes) : guest_(core.scope), core_(core), bytes_(bytes) {
    ++core_.asks;
    core_.bytes += bytes_;
  }
  ~UnderWay() {
    --core_.asks;
    core_.bytes -= bytes_;
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  Scope::Guest guest_;
  Core& core_;
  std::size_t bytes_;
};

asio::awaitable<Mastership> Client::Core::check_mastership(std::shared_ptr<Core> core) {
  const UnderWay counted(*core, 0);
  co_return co_await Keeper::check_mastership(core->keeper);
}

Error Client::Core::missing() const {
  if (scope->stopping()) return {Failure::not_applied, {}, "stopped"};
  return {Failure::not_applied, {}, "no connection: " + keeper->why()};
}

asio::awaitable<std::shared_ptr<Connection>> Client::Core::connected(std::shared_ptr<Core> core,
                                                                     Timer& timer) {
  while (!core->scope->stopping()) {
    if (auto connection = core->keeper->connection()) co_return connection;
    if (timer.expiry() <= Timer::clock_type::now()) break;
    const auto place = core->waiting.insert(core->waiting.end(), &timer);
    co_await timer.async_wait(kAwait);
    core->waiting.erase(place);
  }
  co_return nullptr;
}

asio::awaitable<Client::Core::Answer> Client::Core::ask(std::shared_ptr<Core> core,
                                                        std::vector<Command> commands,
                                                        std::chrono::milliseconds time) {
  if (commands.empty()) co_return Replies{};
  const auto bytes = size_of_all(commands);
  if (core->asks == limits::kRedisAsksMax || core->bytes + bytes > limits::kRedisBytesInFlightMax) {
    co_return Error{Failure::not_applied, {}, "too many requests are under way"};
  }
  const UnderWay counted(*core, bytes);
  co_return co_await ask_admitted(core, std::move(commands), time);
}

asio::awaitable<base::Result<Reply, Error>> Client::Core::ask_one(std::shared_ptr<Core> core,
                                                                  Command command,
                                                                  std::chrono::milliseconds time) {
  std::vector<Command> commands;
  commands.push_back(std::move(command));
  auto replies = co_await ask(core, std::move(commands), time);
  if (!replies) co_return replies.error();
  auto& reply = replies->front();
  if (reply.is_error()) co_return error_of(reply, "Redis");
  co_return std::move(reply);
}

asio::awaitable<Client::Core::Answer> Client::Core::ask_admitted(std::shared_ptr<Core> core,
                                                                 std::vector<Command> commands,
                                                                 std::chrono::milliseconds time) {
  Timer timer(core->scope->executor(), time);
  for (std::size_t redirections = 0;;) {
    const auto connection = co_await connected(core, timer);
    if (!connection) co_return core->missing();
    auto replies = co_await connection->exchange(encode(commands), commands.size(), timer.expiry());
    if (!replies) {
      const auto& lost = replies.error();
      const auto kind = lost.sent ? Failure::unknown : Failure::not_applied;
      if (lost.sent || lost.late) co_return Error{kind, {}, connection->name() + ": " + lost.why};
      continue;
    }
    const Reply* const wrong = wrong_node(*replies);
    if (wrong == nullptr) co_return std::move(*replies);
    auto error = error_of(*wrong, connection->name());
    if (!nothing_applied(commands, *replies)) error.kind = Failure::unknown;
    const auto target = redirection(*wrong, connection->address());
    const bool again = error.kind == Failure::not_applied && target &&
                       ++redirections <= limits::kRedisRedirectionsMax;
    if (error.code == "ASK") {
      if (!again) co_return error;
      co_return co_await ask_elsewhere(core, *target, std::move(commands), timer.expiry());
    }
    if (error.code == "MOVED" && target) core->keeper->discovery().moved_to(*target);
    connection->retire(one_line(wrong->text));
    if (error.code != "MOVED" || !again) co_return error;
  }
}

/// While a slot migrates, what is not at its old node is asked for at the new one, which must be
/// told that before every command.
asio::awaitable<Client::Core::Answer> Client::Core::ask_elsewhere(std::shared_ptr<Core> core,
                                                                  Address node,
                                                                  std::vector<Command> commands,
                                                                  Time deadline) {
  const auto found = co_await core->keeper->discovery().connect_to(std::move(node));
  if (!found) co_return found.error();
  auto& connection = **found;
  std::string bytes;
  for (const Command& command : commands) {
    encode({"ASKING"}, bytes);
    encode(command, bytes);
  }
  const auto replies =
      co_await connection.exchange(std::move(bytes), 2 * commands.size(), deadline);
  connection.close("done");
  if (!replies) {
    const auto kind = replies.error().sent ? Failure::unknown : Failure::not_applied;
    co_return Error{kind, {}, connection.name() + ": " + replies.error().why};
  }
  Replies wanted;
  for (std::size_t i = 1; i < replies->size(); i += 2) wanted.push_back((*replies)[i]);
  const Reply* const wrong = wrong_node(wanted);
  if (wrong == nullptr) co_return wanted;
  auto error = error_of(*wrong, connection.name());
  if (!nothing_applied(commands, wanted)) error.kind = Failure::unknown;
  co_return error;
}

Client::Client(const asio::any_io_executor& executor, ClientOptions options)
    : core_(std::make_shared<Core>(executor, std::move(options))) {
  core_->keeper->start(core_);
}

Client::~Client() { stop(); }

asio::awaitable<base::Result<Client::Replies, Error>> Client::ask(std::vector<Command> commands,
                                                                  std::chrono::milliseconds time) {
  return Core::ask(core_, std::move(commands), time);
}

asio::awaitable<base::Result<Reply, Error>> Client::ask_one(Command command,
                                                            std::chrono::milliseconds time) {
  return Core::ask_one(core_, std::move(command), time);
}

std::string Client::address() const {
  const auto connection = core_->keeper->connection();
  return connection ? connection->name() : std::string();
}

asio::awaitable<Mastership> Client::check_mastership() { return Core::check_mastership(core_); }

void Client::stop() { core_->scope->stop(); }

asio::awaitable<void> Client::stopped() { return Scope::stopped(core_->scope); }

}  // namespace redis
