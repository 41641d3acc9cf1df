// The clients of a load test: they come one after the other, some paint, all are checked, and whose
// connection ends comes back to where it stood.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "load/account.hpp"
#include "load/checker.hpp"
#include "load/painters.hpp"
#include "load/record.hpp"
#include "load/sightings.hpp"
#include "load/swarm.hpp"

namespace load {

/// The rows of a record.
inline const std::string kWebSocket = "WS";
inline const std::string kAcknowledged = "place: acknowledged";
inline const std::string kSeen = "place: seen";
inline const std::string kSeenByAll = "delta: seen by each client";

struct CrowdOptions {
  std::size_t clients = 0;
  std::vector<std::string> tokens;  // of the painters, who come first
  double rate = 0;
  double ramp = 0;  // clients a second
};

/// Its parts outlive it. Single-threaded.
class Crowd final : public Listener {
 public:
  Crowd(Endpoint endpoint, CrowdOptions options, Checker& checker, Account& account,
        Record& record);

  Swarm& swarm() { return swarm_; }

  /// What is due: new clients, placements, those who come back. Called at every turn of the loop.
  void work();
  /// Nobody comes any more and nobody paints anew; those who are away come back at once.
  void wind_down();
  /// Nothing that happens from now on counts.
  void end() { ended_ = true; }

  [[nodiscard]] bool all_came() const { return swarm_.size() >= options_.clients || winding_down_; }
  [[nodiscard]] std::size_t pending() const { return painters_.pending(); }
  /// Live clients that do not stand at the position yet.
  [[nodiscard]] std::size_t behind(const canvas::Position& position) const;

  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  /// The first ones, for people.
  [[nodiscard]] const std::vector<std::string>& first_faults() const { return first_faults_; }
  void fault(const Fault& found);

  [[nodiscard]] std::uint64_t reconnects() const { return reconnects_; }
  [[nodiscard]] std::uint64_t boards_needed() const { return boards_needed_; }
  [[nodiscard]] std::size_t most_live() const { return most_live_; }
  /// Why connections ended or were not made, and how often.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& endings() const { return endings_; }

  canvas::Standing stands_at(Client& client) override;
  void on_signed_in(Client& client, const wire::SignedIn& signed_in) override;
  void on_ready(Client& client) override;
  void on_delta(Client& client, std::string_view message) override;
  void on_accepted(Client& client, const wire::AcceptedMessage& accepted) override;
  void on_refused(Client& client, const wire::RefusedMessage& refused) override;
  void on_notice(Client& client, const wire::Notice& notice) override;
  void on_snapshot_needed(Client& client, const wire::SnapshotNeeded& needed) override;
  void on_closed(Client& client, const Ending& ending) override;

 private:
  struct Passed {
    std::uint64_t offset = 0;
    std::int64_t at_ns = 0;
  };
  struct Member {
    Reader reader;
    std::int64_t began_ns = 0;  // to connect
    std::uint32_t drain_ms = 0;
    std::uint8_t attempts = 0;
    bool lives = false;
    bool sent_away = false;  // by a server that did not know where it stood
  };
  /// What a painter has yet to see of its own.
  struct Unseen {
    std::uint64_t offset = 0;
    std::int64_t sent_ns = 0;
  };
  struct Watch {
    std::vector<Unseen> unseen;
    std::array<Passed, 16> passed;  // its newest deltas, in a ring
    std::size_t next = 0;
  };
  using Due = std::pair<std::int64_t, std::size_t>;  // when, and which client

  void add_clients(std::int64_t now_ns);
  void bring_back(std::int64_t now_ns);
  void look_for_silence(std::int64_t now_ns);
  void paint(std::size_t index, std::int64_t now_ns);
  void settle(std::size_t index);
  void watch(std::size_t index, std::uint64_t offset);
  void show_own(Watch& watch, std::uint64_t offset, std::int64_t sent_ns);
  void fault(Client& client, const Fault& found);
  void error(const std::string& name, const std::string& what);
  std::int64_t wait_ns(Member& member, const Ending& ending);
  bool is_painter(const Client& client) const { return client.index() < options_.tokens.size(); }

  const CrowdOptions options_;
  Checker& checker_;
  Account& account_;
  Record& record_;
  Histogram& seen_;
  Histogram& seen_by_all_;
  Swarm swarm_;
  Painters painters_;
  Sightings sightings_;
  std::vector<Member> members_;
  std::vector<Watch> watches_;  // of the painters
  std::array<std::int64_t, Checker::kSlots> slot_sent_ns_{};
  std::priority_queue<Due, std::vector<Due>, std::greater<>> away_;
  std::mt19937_64 random_;
  std::int64_t began_ns_ = 0;
  std::int64_t looked_ns_ = 0;  // for silence
  bool winding_down_ = false;
  bool ended_ = false;
  std::size_t most_live_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t boards_needed_ = 0;
  std::uint64_t faults_ = 0;
  std::vector<std::string> first_faults_;
  std::map<std::string, std::uint64_t> endings_;
};

}  // namespace load
