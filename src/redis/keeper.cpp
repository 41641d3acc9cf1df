#include "redis/keeper.hpp"

#include <boost/asio/post.hpp>

#include "base/limits.hpp"

namespace redis {

namespace {

namespace limits = base::limits;

constexpr std::size_t kReasonsMax = 8;
constexpr std::chrono::milliseconds kGoodAfter{limits::kRedisBackoffMaxMs};

}  // namespace

Backoff::Backoff() : bound_ms_(limits::kRedisBackoffMinMs), random_(std::random_device{}()) {}

std::chrono::milliseconds Backoff::next() {
  const auto time = std::uniform_int_distribution<std::int64_t>(0, bound_ms_)(random_);
  bound_ms_ = std::min(2 * bound_ms_, limits::kRedisBackoffMaxMs);
  return std::chrono::milliseconds(time);
}

void Backoff::reset() { bound_ms_ = limits::kRedisBackoffMinMs; }

Keeper::Keeper(std::shared_ptr<Scope> scope, Url url, std::string key, const std::string& name,
               Hooks hooks)
    : scope_(std::move(scope)),
      hooks_(std::move(hooks)),
      discovery_(scope_, std::move(url), std::move(key), name) {}

void Keeper::start(std::shared_ptr<void> owner) {
  scope_->spawn(run(shared_from_this(), std::move(owner)));
}

std::shared_ptr<Connection> Keeper::connection() const {
  return connected_ && connection_->usable() ? connection_ : nullptr;
}

asio::awaitable<void> Keeper::run(std::shared_ptr<Keeper> self, std::shared_ptr<void> /*owner*/) {
  co_await asio::post(self->scope_->executor(), kAwait);  // no callback inside of start()
  while (!self->scope_->stopping()) {
    const auto status = co_await self->connect();
    if (status) {
      const auto since = Timer::clock_type::now();
      self->announce();
      co_await self->connection_->ended();
      // A node that lets everybody in and then throws him out again is not hurried either.
      if (Timer::clock_type::now() - since >= kGoodAfter) self->backoff_.reset();
      self->miss(self->connection_->name() + ": " + self->connection_->why());
    } else {
      self->miss(status.error().message);
    }
    self->connection_ = nullptr;
    co_await self->scope_->sleep(self->backoff_.next());
  }
}

asio::awaitable<base::Status> Keeper::connect() {
  const auto found = co_await discovery_.connect();
  if (!found) co_return base::Error{found.error().message};
  connection_ = *found;
  if (!hooks_.greet) co_return base::Done{};
  const auto greeted = co_await hooks_.greet(connection_);
  if (!greeted) connection_->close(greeted.error().message);
  co_return greeted;
}

asio::awaitable<Mastership> Keeper::check_mastership(std::shared_ptr<Keeper> self) {
  const auto connection = self->connection();
  if (!connection) co_return Mastership::doubted;
  const auto found = co_await self->discovery_.mastership_of(connection->address());
  if (found == Mastership::lost) connection->retire("another one is the master now");
  const bool meanwhile = connection != self->connection() && found == Mastership::held;
  co_return meanwhile ? Mastership::doubted : found;
}

void Keeper::announce() {
  if (connected_ || scope_->stopping() || !connection_->usable()) return;
  connected_ = true;
  told_.clear();
  if (hooks_.on_connected) hooks_.on_connected();
  if (hooks_.on_state) hooks_.on_state(true, connection_->name());
}

void Keeper::miss(const std::string& why) {
  const bool was_connected = std::exchange(connected_, false);
  why_ = why;
  if (scope_->stopping() || told_.size() == kReasonsMax) return;
  const bool is_new = told_.insert(why).second;
  if ((was_connected || is_new) && hooks_.on_state) hooks_.on_state(false, why);
}

}  // namespace redis
