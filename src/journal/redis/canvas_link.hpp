// One program's link to the canvas in Redis: finds and loads it, follows what everybody appends,
// fills gaps, notices lost history and a mute subscription, and makes the canvas again when Redis
// was wiped. Belongs to the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal/redis/follower.hpp"
#include "journal/redis/functions.hpp"
#include "journal/redis/heartbeat.hpp"
#include "journal/redis/redis_journal.hpp"
#include "redis/client.hpp"
#include "redis/durable_writes.hpp"
#include "redis/subscriber.hpp"

namespace journal {

/// What the link tells its journal, on its thread.
struct LinkEvents {
  std::function<void(Start)> on_loaded;  // for the first time, or anew
  OnCommitted on_committed;
  std::function<void(const canvas::Rules&)> on_rules;
  /// Whether operations can be appended; if not, why.
  std::function<void(bool usable, const std::string& why)> on_usable;
  std::function<void(std::uint32_t elsewhere)> on_online;
};

class CanvasLink {
 public:
  CanvasLink(const boost::asio::any_io_executor& executor, const RedisOptions& options,
             LinkEvents events);

  /// Keeps the link until stop(); returns when everything of it has ended.
  boost::asio::awaitable<void> run();
  void stop();

  /// Appends and follows: succeeds when everything accepted is durable and was committed here.
  /// After an Error of kind unknown the same operations must be appended again until it is known
  /// what became of them.
  Called<std::vector<canvas::Answer>> append(std::span<const canvas::Operation> operations);
  Called<canvas::Charges> charges(base::PersonId person);

  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] const Follower& follower() const { return follower_; }
  void set_online(std::uint32_t online) { heartbeat_.set_online(online); }

 private:
  using Clock = std::chrono::steady_clock;
  template <class T = void>
  using Task = boost::asio::awaitable<T>;

  static constexpr std::chrono::milliseconds kRetry{100};
  static constexpr std::size_t kLogPage = 1'000;  // records

  Task<> keep();
  Task<std::chrono::milliseconds> next_step();
  Task<bool> prepare();
  Task<bool> load();
  struct Recent {
    std::deque<RecordedEntry> entries;
    std::uint64_t base_digest = 0;  // before the first of them
  };
  Called<Recent> load_recent(canvas::Standing until);
  Task<bool> fill();
  Task<bool> check_epoch();
  Task<> probe();
  Task<> try_append();
  Task<bool> learn_confirmers(bool anew);
  Task<> make_again();
  Task<> turn_back_rules();
  Task<bool> followed_to(const canvas::Position& position);
  Task<> sleep(std::chrono::milliseconds time);

  void on_connected(bool connected, const std::string& why);
  void on_message(std::string_view bytes);
  void follow(Record record);
  void commit(std::span<const RecordedEntry> entries);
  void look_again_after(const CallError& error);
  bool failed(const CallError& error);
  void tell_doubt();
  void set_usable(bool usable, const std::string& why);
  void take_rules(const canvas::Rules& rules, std::uint64_t version);
  void wake();
  [[nodiscard]] canvas::StandingBoard candidate();

  const RedisOptions options_;
  const LinkEvents events_;
  const std::uint64_t replica_;  // a random number: names are not unique while one replaces another
  boost::asio::any_io_executor executor_;
  redis::Client client_;
  redis::Subscriber subscriber_;
  redis::DurableWrites writes_;
  Functions functions_;

  bool stopping_ = false;
  bool connected_ = false;
  bool prepared_ = false;  // the present connection is one that can be worked with
  std::chrono::milliseconds prepare_again_ = kRetry;
  bool loaded_ = false;  // the follower stands in the canvas that is there now
  bool settings_told_ = false;
  bool gap_ = false;    // something is missing: read the log
  bool doubt_ = false;  // the journal may not hold what was seen here
  bool usable_ = false;
  std::string trouble_;  // what was said last of why not
  Follower follower_;
  canvas::Board board_;                 // at follower_.at()
  std::optional<canvas::Rules> rules_;  // in force, as far as is known
  std::uint64_t rules_version_ = 0;
  bool rules_anew_ = true;  // another Redis may count its versions otherwise
  std::string replication_id_;
  boost::asio::steady_timer wake_;      // cancelled when there is something to do
  boost::asio::steady_timer followed_;  // cancelled when the follower has moved

  Heartbeat heartbeat_;
  Clock::time_point next_probe_;
};

}  // namespace journal
