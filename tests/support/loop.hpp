// Runs an io_context inside a test: until a coroutine has ended, or until something is true.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

namespace support {

class Loop {
 public:
  boost::asio::any_io_executor executor() { return io_.get_executor(); }

  /// Begins a coroutine; its result appears while something else is awaited.
  template <class T>
  std::shared_ptr<std::optional<T>> begin(boost::asio::awaitable<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    spawn(keep(std::move(task), result));
    return result;
  }

  /// The result of a coroutine.
  template <class T>
  T run(boost::asio::awaitable<T> task) {
    const auto result = begin(std::move(task));
    until([&] { return result->has_value(); });
    return std::move(**result);
  }

  void run(boost::asio::awaitable<void> task) {
    const auto done = std::make_shared<std::optional<bool>>();
    spawn(finish(std::move(task), done));
    until([&] { return done->has_value(); });
  }

  /// Whatever can be done now is done: what was asked is in the kernel's hands.
  void settle() {
    while (io_.poll() > 0) {
    }
  }

  /// Throws if it does not become true within 20 s.
  void until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      io_.run_one_for(std::chrono::milliseconds(20));  // others may make it true
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("not in time");
    }
  }

 private:
  void spawn(boost::asio::awaitable<void> task) {
    boost::asio::co_spawn(io_, std::move(task), [](const std::exception_ptr& failed) {
      if (failed) std::rethrow_exception(failed);
    });
  }

  template <class T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task,
                                           std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(task));
  }

  static boost::asio::awaitable<void> finish(boost::asio::awaitable<void> task,
                                             std::shared_ptr<std::optional<bool>> done) {
    co_await std::move(task);
    *done = true;
  }

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
};

}  // namespace support
