// A thread that runs an io_context for everyone who lives on it: among each other they need neither
// locks nor wake-ups.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <thread>

namespace loop {

class EventLoop {
 public:
  /// Called on the thread when something has thrown there; nothing runs any more after that.
  using OnBug = std::function<void(const std::string& what)>;

  /// Runs at once, and until join().
  explicit EventLoop(OnBug on_bug);
  /// Joins. Whoever has timers or sockets on the loop is gone before.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  /// Waits until nothing is left to be done, so everyone has been told to end. Idempotent; not on
  /// the loop's own thread.
  void join();

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace loop
