// One program's link to the ledger in Redis: finds and loads it, presses, follows what everybody
// presses, notices what it missed, and makes the ledger again when Redis was wiped. Belongs to the
// executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/redis/follower.hpp"
#include "ledger/redis/redis_ledger.hpp"
#include "redis/command.hpp"
#include "redis/error.hpp"
#include "redis_store/store_link.hpp"

namespace ledger {

/// What the link tells its ledger, on its thread.
struct LinkEvents {
  std::function<void(std::span<const Counter>)> on_loaded;  // for the first time, or anew
  std::function<void(std::span<const Counter>)> on_changed;
  /// Whether presses can be made durable; if not, why.
  std::function<void(bool usable, const std::string& why)> on_usable;
};

class Link final : public redis_store::StoreLink {
 public:
  template <class T>
  using Called = Task<base::Result<T, redis::Error>>;

  /// Throws std::runtime_error when a file of the URL's TLS options cannot be used.
  Link(const boost::asio::any_io_executor& executor, const RedisOptions& options,
       LinkEvents events);

  /// Presses a batch in this epoch; its answers as text, when they are durable and were told here.
  /// After an Error of kind unknown the same batch must be pressed again, under the same number and
  /// in the same epoch, until it is known what became of it.
  Called<std::string> press(std::uint64_t epoch, std::uint64_t number,
                            std::vector<std::string> arguments);

  /// Of the ledger that is there now: what was remembered of batches in an earlier one is gone.
  [[nodiscard]] std::uint64_t epoch() const { return follower_.at().epoch; }

 private:
  Task<bool> prepare() override;
  Task<std::optional<bool>> catch_up() override;
  Task<bool> beat() override;
  Task<> compare() override;
  Task<> try_write() override;
  void on_subscribed() override { loaded_ = false; }
  void on_message(std::string_view text) override;

  Task<bool> load();
  Task<> make_again();
  Called<Standing> look();
  void look_again_after(const redis::Error& error);
  void follow(std::string_view text);
  void tell_followed();

  template <class... Words>
  [[nodiscard]] redis::Command function(std::string_view name, const Words&... words) const;
  [[nodiscard]] redis::Command make_command() const;

  const RedisOptions options_;
  const LinkEvents events_;
  const std::string replica_;  // a random number: names are not unique while one replaces another

  bool loaded_ = false;  // the follower stands in the ledger that is there now
  Follower follower_;
  std::map<std::string, std::int64_t, std::less<>> values_;  // at follower_.at()
  std::uint64_t seen_changes_ = 0;                           // there, at the last probe
  std::uint64_t probes_ = 0;                                 // empty batches pressed
};

}  // namespace ledger
