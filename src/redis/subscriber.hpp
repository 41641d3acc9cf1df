// A subscriber of one channel of Redis, on a connection of its own to the master that serves a
// key. What is published while it is not connected is lost: a message is a hint.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "redis/url.hpp"

namespace redis {

struct SubscriberOptions {
  Url url;
  std::string key;  // the master that serves it is meant
  std::string channel;
  std::string name = "pixel-battle";  // of the connection, in Redis's CLIENT LIST
  /// On the executor, as for the client: connected means subscribed.
  std::function<void(bool connected, const std::string& why)> on_state;
  /// On the executor, in the order of publishing, only while connected.
  std::function<void(std::string_view message)> on_message;
};

/// Everything happens on the executor, which one thread runs: the members are called there, or
/// before it runs, also from the callbacks. The executor's context must outlive the subscriber.
class Subscriber {
 public:
  /// Connects from now on. Throws std::runtime_error when a file of the URL's TLS options cannot
  /// be used.
  Subscriber(const boost::asio::any_io_executor& executor, SubscriberOptions options);
  ~Subscriber();  // stop()
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  /// Gives the present connection up and makes another. For whoever finds that it is mute, which
  /// cannot be seen from here: a channel may be silent.
  void restart();

  /// Ends everything. No callback from then on.
  void stop();
  /// Returns when stop() was called and every coroutine of the subscriber has ended.
  [[nodiscard]] boost::asio::awaitable<void> stopped();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace redis
