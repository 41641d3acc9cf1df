// One program's link to a store that it shares with others in Redis: keeps the connection and the
// subscription, and does one thing after the other: prepare, catch up, look twice a second whether
// anything was missed, find out whether writes become durable again. What a store is, it does not
// know. Belongs to the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "redis/client.hpp"
#include "redis/durable_writes.hpp"
#include "redis/subscriber.hpp"
#include "redis_store/echo.hpp"

namespace redis_store {

/// The log's words for what a store's writes are called.
struct Phrases {
  std::string_view impossible;
  std::string_view possible;
  std::string_view risky;
};

struct LinkOptions {
  redis::Url url;
  std::string key;  // the master that serves it is meant
  std::string channel;
  std::string name;  // of the connections, in Redis's CLIENT LIST
  Phrases phrases;
  /// Whether writes are possible, and if not, why.
  std::function<void(bool usable, const std::string& why)> on_usable;
};

class StoreLink {
 public:
  template <class T = void>
  using Task = boost::asio::awaitable<T>;

  StoreLink(const boost::asio::any_io_executor& executor, LinkOptions options);
  virtual ~StoreLink() = default;
  StoreLink(const StoreLink&) = delete;
  StoreLink& operator=(const StoreLink&) = delete;

  /// Keeps the link until stop(); returns when everything of it has ended.
  Task<> run();
  void stop();

  [[nodiscard]] bool usable() const { return usable_; }

 protected:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kRetry{100};

  // What a store does. Errors were told by fail(), or make the connection be prepared again.

  /// After every connection: what is needed of the server, and what it holds.
  virtual Task<bool> prepare() = 0;
  /// Does one thing that is missing before writes are possible, and says whether that succeeded;
  /// nothing when nothing is missing.
  virtual Task<std::optional<bool>> catch_up() = 0;
  /// Publishes a beat with the number that echo_ gives; whether that succeeded.
  virtual Task<bool> beat() = 0;
  /// Is what is followed here what is there?
  virtual Task<> compare() = 0;
  /// Writes nothing, durably.
  virtual Task<> try_write() = 0;
  /// What was said while there was no subscription was not heard.
  virtual void on_subscribed() = 0;
  virtual void on_message(std::string_view message) = 0;

  /// Waits until `reached` says yes or no, asked whenever moved() was called; no when it takes too
  /// long.
  Task<bool> follow_until(std::function<std::optional<bool>()> reached);
  /// What is followed has moved.
  void moved() { followed_.cancel(); }

  /// Sooner when there is something to do.
  Task<> sleep(std::chrono::milliseconds time);
  void wake() { wake_.cancel(); }

  /// How long one who would make a lost store again waits for those who know more of it.
  [[nodiscard]] static std::chrono::milliseconds wait_for_others(
      std::chrono::milliseconds rebuild_wait, bool remembers);

  /// Nothing can be written, because of this; false, to be returned.
  bool fail(const std::string& why);
  /// Redis was wiped, or replaced by another.
  void prepare_again(const std::string& why);
  /// To be called when a write has failed: none is possible until one becomes durable again.
  void tell_doubt();

  [[nodiscard]] bool stopping() const { return stopping_; }
  /// Neither stopped nor without a connection.
  [[nodiscard]] bool going_on() const { return connected_ && !stopping_; }

  redis::Client client_;
  redis::Subscriber subscriber_;
  redis::DurableWrites writes_;
  Echo echo_;

 private:
  Task<> keep();
  Task<std::chrono::milliseconds> next_step();
  Task<bool> prepare_connection();
  Task<bool> learn(bool anew);
  Task<> probe();

  void on_connected(bool connected, const std::string& why);
  void set_usable(bool usable, const std::string& why);

  const LinkOptions options_;
  bool stopping_ = false;
  bool connected_ = false;
  bool prepared_ = false;  // the present connection is one that can be worked with
  std::chrono::milliseconds prepare_pause_ = kRetry;
  bool usable_ = false;
  std::string trouble_;  // what was said last of why not
  Clock::time_point next_probe_;
  boost::asio::steady_timer wake_;      // cancelled when there is something to do
  boost::asio::steady_timer followed_;  // cancelled when what is followed has moved
};

}  // namespace redis_store
