// What one client owns on its executor: its coroutines are counted, and whatever is under way can
// be stopped at once and awaited.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>

namespace redis {

namespace asio = boost::asio;

using Timer = asio::steady_timer;
using Time = Timer::time_point;

/// Awaits an operation; errors come back as values, because at a socket they are ordinary.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kAwait{};

/// Everything belongs to the executor's one thread.
class Scope : public std::enable_shared_from_this<Scope> {
 public:
  explicit Scope(asio::any_io_executor executor);

  [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }
  [[nodiscard]] bool stopping() const { return stopping_; }

  /// The task must hold what it uses. An exception in it is a bug and leaves the executor's run().
  void spawn(asio::awaitable<void> task);

  /// Runs every hook. Safe to call again.
  void stop();
  /// When stopped and the last coroutine has ended.
  static asio::awaitable<void> stopped(std::shared_ptr<Scope> self);
  /// Sooner when stopped.
  asio::awaitable<void> sleep(std::chrono::milliseconds time);

  /// Something that stop() ends, as long as the hook lives. It must not destroy hooks.
  class Hook {
   public:
    Hook(std::shared_ptr<Scope> scope, std::function<void()> on_stop);
    ~Hook();
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;

   private:
    std::shared_ptr<Scope> scope_;
    std::list<std::function<void()>>::iterator place_;
  };

  /// Counts a coroutine that somebody else has started, as long as it lives.
  class Guest {
   public:
    explicit Guest(std::shared_ptr<Scope> scope);
    ~Guest();
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   private:
    std::shared_ptr<Scope> scope_;
  };

 private:
  void leave();

  asio::any_io_executor executor_;
  Timer empty_;  // cancelled when the last coroutine has ended
  std::list<std::function<void()>> on_stop_;
  std::size_t coroutines_ = 0;
  bool stopping_ = false;
};

}  // namespace redis
