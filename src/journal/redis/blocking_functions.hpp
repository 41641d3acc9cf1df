// The function library for whoever may wait: each call runs the loop of its own connection, on the
// caller's thread, until the answer is there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "journal/redis/functions.hpp"
#include "redis/client.hpp"

namespace journal {

/// One thread at a time; calls block for some seconds at most.
class BlockingFunctions {
 public:
  /// `name` is the connection's, in Redis's CLIENT LIST. Throws std::runtime_error when a file of
  /// the URL's TLS options cannot be used.
  BlockingFunctions(const redis::Url& url, std::string name, std::string channel)
      : client_(io_.get_executor(),
                {.url = url, .key = kStateKey, .name = std::move(name), .on_state = {}}),
        functions_(client_, kStateKey, std::move(channel)) {}
  ~BlockingFunctions() {
    client_.stop();
    run(client_.stopped());
  }
  BlockingFunctions(const BlockingFunctions&) = delete;
  BlockingFunctions& operator=(const BlockingFunctions&) = delete;

  Functions& functions() { return functions_; }

  /// What a call of functions() gives.
  template <class T>
  T ask(boost::asio::awaitable<T> call) {
    std::optional<T> answer;
    run(keep(std::move(call), answer));
    return std::move(*answer);
  }

 private:
  template <class T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> call,
                                           std::optional<T>& answer) {
    answer.emplace(co_await std::move(call));
  }

  /// Runs the loop until the task has ended.
  void run(boost::asio::awaitable<void> task) {
    bool done = false;
    boost::asio::co_spawn(io_, std::move(task), [&done](const std::exception_ptr& bug) {
      done = true;
      if (bug) std::rethrow_exception(bug);
    });
    io_.restart();
    while (!done) io_.run_one();
  }

  boost::asio::io_context io_{1};
  redis::Client client_;
  Functions functions_;
};

}  // namespace journal
