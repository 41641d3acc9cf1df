#include "redis/scope.hpp"

#include <boost/asio/co_spawn.hpp>
#include <exception>

namespace redis {

Scope::Scope(asio::any_io_executor executor)
    : executor_(std::move(executor)), empty_(executor_, Time::max()) {}

void Scope::spawn(asio::awaitable<void> task) {
  ++coroutines_;
  asio::co_spawn(executor_, std::move(task),
                 [self = shared_from_this()](const std::exception_ptr& failed) {
                   self->leave();
                   if (failed) std::rethrow_exception(failed);
                 });
}

void Scope::stop() {
  if (stopping_) return;
  stopping_ = true;
  for (const auto& hook : on_stop_) hook();
  empty_.cancel();
}

asio::awaitable<void> Scope::stopped(std::shared_ptr<Scope> self) {
  while (!self->stopping_ || self->coroutines_ > 0) co_await self->empty_.async_wait(kAwait);
}

asio::awaitable<void> Scope::sleep(std::chrono::milliseconds time) {
  const auto self = shared_from_this();
  if (stopping_) co_return;
  Timer timer(executor_, time);
  const Hook hook(self, [&timer] { timer.cancel(); });
  co_await timer.async_wait(kAwait);
}

void Scope::leave() {
  if (--coroutines_ == 0) empty_.cancel();
}

Scope::Hook::Hook(std::shared_ptr<Scope> scope, std::function<void()> on_stop)
    : scope_(std::move(scope)),
      place_(scope_->on_stop_.insert(scope_->on_stop_.end(), std::move(on_stop))) {}

Scope::Hook::~Hook() { scope_->on_stop_.erase(place_); }

Scope::Guest::Guest(std::shared_ptr<Scope> scope) : scope_(std::move(scope)) {
  ++scope_->coroutines_;
}

Scope::Guest::~Guest() { scope_->leave(); }

}  // namespace redis
