// One program's link to the ledger in Redis: finds and loads it, presses, follows what everybody
// presses, notices what it missed and a mute subscription, and makes the ledger again when Redis
// was wiped. Belongs to the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ledger/redis/follower.hpp"
#include "ledger/redis/redis_ledger.hpp"
#include "redis/client.hpp"
#include "redis/durable_writes.hpp"
#include "redis/subscriber.hpp"

namespace ledger {

/// What the link tells its ledger, on its thread.
struct LinkEvents {
  std::function<void(std::span<const Counter>)> on_loaded;  // for the first time, or anew
  std::function<void(std::span<const Counter>)> on_changed;
  /// Whether presses can be made durable; if not, why.
  std::function<void(bool usable, const std::string& why)> on_usable;
};

class Link {
 public:
  template <class T>
  using Called = boost::asio::awaitable<base::Result<T, redis::Error>>;

  Link(const boost::asio::any_io_executor& executor, const RedisOptions& options,
       LinkEvents events);

  /// Keeps the link until stop(); returns when everything of it has ended.
  boost::asio::awaitable<void> run();
  void stop();

  /// Presses a batch in this epoch; its answers as text, when they are durable and were told here.
  /// After an Error of kind unknown the same batch must be pressed again, under the same number and
  /// in the same epoch, until it is known what became of it.
  Called<std::string> press(std::uint64_t epoch, std::uint64_t number,
                            std::vector<std::string> arguments);

  [[nodiscard]] bool usable() const { return usable_; }
  /// Of the ledger that is there now: what was remembered of batches in an earlier one is gone.
  [[nodiscard]] std::uint64_t epoch() const { return follower_.at().epoch; }

 private:
  using Clock = std::chrono::steady_clock;
  template <class T = void>
  using Task = boost::asio::awaitable<T>;

  Task<> keep();
  Task<std::chrono::milliseconds> next_step();
  Task<bool> prepare();
  Task<bool> learn(bool anew);
  Task<bool> load();
  Task<> probe();
  Task<> try_press();
  Task<> make_again();
  Task<bool> followed_to(std::uint64_t epoch, std::uint64_t changes);
  Task<> sleep(std::chrono::milliseconds time);
  Called<Standing> look();

  template <class... Words>
  [[nodiscard]] redis::Command function(std::string_view name, const Words&... words) const;
  [[nodiscard]] redis::Command make_command() const;
  void on_connected(bool connected, const std::string& why);
  void on_message(std::string_view text);
  void follow(std::string_view text);
  void tell_followed();
  void look_again_after(const redis::Error& error);
  bool failed(const redis::Error& error);
  void tell_doubt();
  void set_usable(bool usable, const std::string& why);
  void listen_anew();
  void wake() { wake_.cancel(); }

  const RedisOptions options_;
  const LinkEvents events_;
  const std::string replica_;  // a random number: names are not unique while one replaces another
  boost::asio::any_io_executor executor_;
  redis::Client client_;
  redis::Subscriber subscriber_;
  redis::DurableWrites writes_;

  bool stopping_ = false;
  bool connected_ = false;
  bool prepared_ = false;  // the present connection is one that can be worked with
  bool loaded_ = false;    // the follower stands in the ledger that is there now
  bool usable_ = false;
  std::string trouble_;  // what was said last of why not
  Follower follower_;
  std::map<std::string, std::int64_t, std::less<>> values_;  // at follower_.at()
  std::uint64_t seen_changes_ = 0;                           // there, at the last probe
  std::uint64_t probes_ = 0;                                 // empty batches pressed
  std::uint64_t beats_ = 0;                                  // published
  std::uint64_t heard_beats_ = 0;                            // … and come back
  Clock::time_point listening_since_;
  Clock::time_point next_probe_;
  boost::asio::steady_timer wake_;      // cancelled when there is something to do
  boost::asio::steady_timer followed_;  // cancelled when the follower has moved
};

}  // namespace ledger
