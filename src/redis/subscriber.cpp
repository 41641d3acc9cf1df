#include "redis/subscriber.hpp"

#include "base/limits.hpp"
#include "redis/keeper.hpp"

namespace redis {

namespace {
constexpr std::chrono::milliseconds kSubscribeTime{base::limits::kRedisConnectMs};
}

struct Subscriber::Core {
  Core(const asio::any_io_executor& executor, SubscriberOptions options)
      : scope(std::make_shared<Scope>(executor)),
        channel(std::move(options.channel)),
        on_message(std::move(options.on_message)),
        keeper(std::make_shared<Keeper>(
            scope, std::move(options.url), std::move(options.key), options.name,
            Keeper::Hooks{std::move(options.on_state),
                          [this](auto connection) { return subscribe(std::move(connection)); },
                          {}})) {}

  asio::awaitable<base::Status> subscribe(std::shared_ptr<Connection> connection);
  void take(const Reply& push);

  std::shared_ptr<Scope> scope;
  std::string channel;
  std::function<void(std::string_view)> on_message;
  std::shared_ptr<Keeper> keeper;
};

asio::awaitable<base::Status> Subscriber::Core::subscribe(std::shared_ptr<Connection> connection) {
  connection->on_push([this](const Reply& push) { take(push); });
  std::string bytes;
  encode(command("SUBSCRIBE", channel), bytes);
  const auto replies =
      co_await connection->exchange(std::move(bytes), 1, Timer::clock_type::now() + kSubscribeTime);
  if (!replies) co_return base::Error{connection->name() + ": " + replies.error().why};
  const Reply& reply = replies->front();
  if (reply.is_error()) co_return base::Error{error_of(reply, connection->name()).message};
  co_return base::Done{};
}

void Subscriber::Core::take(const Reply& push) {
  if (scope->stopping()) return;
  const auto& parts = push.elements;
  if (parts.size() != 3 || parts[0].text != "message") return;
  // A message may arrive together with the answer to SUBSCRIBE, before who waits for that has run.
  keeper->announce();
  on_message(parts[2].text);
}

Subscriber::Subscriber(const asio::any_io_executor& executor, SubscriberOptions options)
    : core_(std::make_shared<Core>(executor, std::move(options))) {
  core_->keeper->start(core_);
}

Subscriber::~Subscriber() { stop(); }

void Subscriber::restart() {
  if (const auto connection = core_->keeper->latest()) connection->close("restarted");
}

void Subscriber::stop() { core_->scope->stop(); }

asio::awaitable<void> Subscriber::stopped() { return Scope::stopped(core_->scope); }

}  // namespace redis
