// One program's link to the canvas in Redis: finds and loads it, follows what everybody appends,
// fills gaps, notices lost history, and makes the canvas again when Redis was wiped. Belongs to the
// executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "journal/redis/follower.hpp"
#include "journal/redis/functions.hpp"
#include "journal/redis/others.hpp"
#include "journal/redis/redis_journal.hpp"
#include "redis_store/store_link.hpp"

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

class CanvasLink final : public redis_store::StoreLink {
 public:
  /// Throws std::runtime_error when a file of the URL's TLS options cannot be used.
  CanvasLink(const boost::asio::any_io_executor& executor, const RedisOptions& options,
             LinkEvents events);

  /// Appends and follows: succeeds when everything accepted is durable and was committed here.
  /// After an Error of kind unknown the same operations must be appended again until it is known
  /// what became of them.
  Called<std::vector<canvas::Answer>> append(std::span<const canvas::Operation> operations);
  Called<canvas::Charges> charges(base::PersonId person);

  [[nodiscard]] const Follower& follower() const { return follower_; }
  void set_online(std::uint32_t online) { online_ = online; }

 private:
  static constexpr std::size_t kLogPage = 1'000;  // records

  Task<bool> prepare() override;
  Task<std::optional<bool>> catch_up() override;
  Task<bool> beat() override;
  Task<> compare() override;
  Task<> try_write() override;
  void on_subscribed() override { gap_ = true; }
  void on_message(std::string_view bytes) override;

  Task<bool> load();
  struct Recent {
    std::deque<RecordedEntry> entries;
    std::uint64_t base_digest = 0;  // before the first of them
  };
  Called<Recent> load_recent(canvas::Standing until);
  Task<bool> fill();
  Task<bool> check_epoch();
  Task<> make_again();
  Task<> turn_back_rules();
  Task<bool> followed_to(canvas::Position position);

  void hear(const Presence& presence);
  void follow(Record record);
  void commit(std::span<const RecordedEntry> entries);
  void look_again_after(const CallError& error);
  void take_rules(const canvas::Rules& rules, std::uint64_t version);
  [[nodiscard]] canvas::StandingBoard candidate();

  const RedisOptions options_;
  const LinkEvents events_;
  const std::uint64_t replica_;  // a random number: names are not unique while one replaces another
  Functions functions_;

  bool loaded_ = false;  // the follower stands in the canvas that is there now
  bool settings_told_ = false;
  bool gap_ = false;    // something is missing: read the log
  bool doubt_ = false;  // the journal may not hold what was seen here
  Follower follower_;
  canvas::Board board_;                 // at follower_.at()
  std::optional<canvas::Rules> rules_;  // in force, as far as is known
  std::uint64_t rules_version_ = 0;
  bool rules_anew_ = true;  // another Redis may count its versions otherwise
  std::string replication_id_;
  Others others_;
  std::uint32_t online_ = 0;  // players connected here
};

}  // namespace journal
