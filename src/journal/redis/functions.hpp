// The function library of docs/redis.md as typed calls. Belongs to the client's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "canvas/board.hpp"
#include "canvas/cooldown.hpp"
#include "journal/redis/codec.hpp"
#include "journal/redis/follower.hpp"
#include "redis/client.hpp"
#include "redis/durable_writes.hpp"

namespace journal {

/// Everything of the canvas lies in one slot of a cluster.
inline constexpr const char* kStateKey = "{pixel-battle}:v1:state";

enum class CallFailure {
  not_applied,  // certainly changed nothing; may work later
  unknown,      // may have been applied
  empty,        // there is no canvas; nothing changed
  refused,      // a bug or a wrong server; nothing changed
};

/// `message` is one line for the operator's log.
struct CallError {
  CallFailure kind = CallFailure::not_applied;
  std::string message;
};

template <class T>
using Called = boost::asio::awaitable<base::Result<T, CallError>>;

/// What pb1_state tells.
struct CanvasState {
  canvas::Standing at;
  canvas::Size size;
  canvas::Rules rules;
  std::uint64_t rules_version = 0;
  std::string replication_id;
};

/// Which knobs to turn; the others stay as they are.
struct RulesChange {
  std::optional<std::uint32_t> cooldown_ms;
  std::optional<std::uint32_t> charges_max;
  std::optional<bool> frozen;
  [[nodiscard]] bool empty() const { return !cooldown_ms && !charges_max && !frozen; }
};

struct Appended {
  std::vector<canvas::Answer> answers;
  std::optional<Record> record;  // nothing when nothing was accepted
};

enum class EpochCheck { held, unknown, ended, other };
enum class OfferAnswer { exists, wait, adopt };

class Functions {
 public:
  /// `client` outlives this; its key is `key`, which ends in ":state".
  Functions(redis::Client& client, std::string key, std::string channel);

  /// Loads the library, if the server does not have just this one.
  Called<base::Done> load_library();
  /// Whether the server answers at all.
  Called<base::Done> ping();

  Called<CanvasState> state();
  /// `size` must be the canvas's.
  Called<canvas::StandingBoard> snapshot(canvas::Size size);
  /// What is accepted is durable. After an Error of kind unknown the same operations must be
  /// appended again until it is known what became of them.
  Called<Appended> append(std::span<const canvas::Operation> operations,
                          redis::DurableWrites& writes);
  Called<canvas::Charges> charges(base::PersonId person);
  Called<base::Done> change_rules(const RulesChange& change);
  /// What a starting program's settings say: knobs that they say otherwise than those of the last
  /// one to start take their value.
  Called<base::Done> apply_settings(const canvas::Rules& rules);
  /// Whether it is news.
  Called<bool> ban(base::PersonId person, bool banned);
  /// In ascending order.
  Called<std::vector<base::PersonId>> bans();
  Called<EpochCheck> end_epoch(const canvas::Standing& seen);
  Called<OfferAnswer> offer(std::string_view candidate, const canvas::Position& position,
                            std::chrono::milliseconds wait);
  /// `recent` are entries of the board's epoch, ending at its offset; `rules` are the program's
  /// settings. True: it was made.
  Called<bool> adopt(std::string_view candidate, const canvas::StandingBoard& standing,
                     const canvas::Rules& rules, std::uint64_t rules_version,
                     std::span<const RecordedEntry> recent, std::uint64_t recent_base_digest);

  /// The records that end after a position, oldest first, `records_max` at most.
  Called<std::vector<Record>> read_log(const canvas::Position& after, std::size_t records_max);
  /// The newest records, newest first, from one that ends at or before `until` back.
  Called<std::vector<Record>> read_log_back(const canvas::Position& until, std::size_t records_max);
  /// Whether everything that this connection could have read is with a replica too, where there
  /// are any: a failover cannot take it back then.
  Called<bool> replicated();
  /// Drops the records that end at or before a position.
  Called<base::Done> trim(const canvas::Position& position);
  /// Publishes on the channel; nobody may hear it.
  Called<base::Done> publish(std::string message);

 private:
  Called<redis::Reply> call(redis::Command command, std::chrono::milliseconds time);
  template <class... Words>
  [[nodiscard]] redis::Command function(std::string_view name, const Words&... words) const;
  [[nodiscard]] redis::Command adoption(std::string_view candidate,
                                        const canvas::StandingBoard& standing,
                                        const canvas::Rules& rules, std::uint64_t rules_version,
                                        std::span<const RecordedEntry> recent,
                                        std::uint64_t recent_base_digest) const;

  redis::Client& client_;
  const std::string key_;
  const std::string log_;
  const std::string channel_;
};

}  // namespace journal
