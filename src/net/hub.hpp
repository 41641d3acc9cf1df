// The hub: brings every tick of the feed to every subscriber. One shard per worker thread; the
// ticker on the first worker takes the tick, frames are shared by reference.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "net/ticker.hpp"
#include "net/types.hpp"
#include "ops/metrics.hpp"
#include "service/feed.hpp"

namespace net {

/// Someone who follows the feed, on a shard's thread.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  /// Only while it does not follow directly. True if the tick's own frame was sent.
  virtual bool deliver(const service::Tick& tick) = 0;
  /// It followed directly, and the socket took only `sent` bytes of the frame, or none because it
  /// failed. It stands at the tick's offset now and follows directly no more.
  virtual void keep(const service::Tick& tick, std::size_t sent, bool failed) = 0;
  /// Nobody can go on from where they stand: no more ticks until it goes live again, and this
  /// frame says so.
  virtual void begin_anew(const wire::SharedBytes& frame) = 0;
  /// A frame that may be left out when the subscriber is not keeping up.
  virtual void tell(const wire::SharedBytes& frame) = 0;
  /// A frame that a subscriber who does not keep up gets later, behind what is waiting for it.
  virtual void notify(const wire::SharedBytes& frame) = 0;

 private:
  friend class HubShard;
  std::size_t place_ = 0;
};

/// The subscribers of one worker. Belongs to its thread, except for the two counters.
class HubShard {
 public:
  HubShard(service::Feed& feed, std::uint64_t offset, ops::Metrics& metrics)
      : feed_(feed),
        offset_(offset),
        metrics_(metrics),
        frames_sent_(metrics.frames_sent.with("delta")) {}

  void add(Subscriber& subscriber);
  void remove(Subscriber& subscriber);

  /// The subscriber stands at `position` and has nothing else to send: ticks from there go straight
  /// to its socket. With thousands of connections the time of a delivery beyond the system calls
  /// is that of its cache misses, and so a delivery to them touches one dense list only.
  void follow(const Subscriber& subscriber, int socket, std::uint64_t position);
  /// Ends that; returns where the subscriber stands.
  std::uint64_t unfollow(const Subscriber& subscriber);

  void deliver(const service::Tick& tick);
  void tell(const wire::SharedBytes& frame);
  void notify(const wire::SharedBytes& frame);

  /// The offset that every subscriber who keeps up has been brought to.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  /// The frame from `from` to offset(); null if that is too far. Shared by all who ask for the
  /// same: after a restart thousands stand at one position.
  wire::SharedBytes catch_up(std::uint64_t from);
  wire::SharedBytes too_far_behind() { return feed_.too_far_behind(); }

  [[nodiscard]] std::uint32_t subscribers() const { return count_.load(); }
  /// How long the last delivery took on this thread.
  [[nodiscard]] std::int64_t delivery_ns() const { return delivery_ns_.load(); }

 private:
  struct Slot {
    Subscriber* subscriber = nullptr;
    std::uint64_t position = 0;
    int socket = kNone;  // kNone: it does not follow directly
  };
  static constexpr int kNone = -1;
  bool send_straight(Slot& slot, const service::Tick& tick);

  service::Feed& feed_;
  std::uint64_t offset_;
  ops::Metrics& metrics_;
  const ops::Counter frames_sent_;
  std::uint64_t straight_bytes_ = 0;
  std::vector<Slot> slots_;
  std::unordered_map<std::uint64_t, wire::SharedBytes> catch_ups_;  // by `from`, to offset_
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::int64_t> delivery_ns_{0};
};

/// Takes the ticks of the feed when the ticker says so.
class Hub {
 public:
  struct Member {
    asio::io_context* io;
    HubShard* shard;
  };

  /// `members[0]` is where the ticker runs. `on_online` gets the number of players here now and
  /// then, and gives the number of players everywhere.
  Hub(std::vector<Member> members, service::Feed& feed, int tick_ms_max, ops::Metrics& metrics,
      std::function<std::uint32_t(std::uint32_t)> on_online);

  /// Something became durable, or there is a notice. Thread-safe, cheap, does not wait.
  void wake() { ticker_.wake(); }

  /// Starts telling the number of players. On the first worker's thread.
  void start();
  /// Stops all timers. On the first worker's thread.
  void stop();

  /// The frame to every subscriber. Thread-safe.
  void tell(const wire::SharedBytes& frame);

 private:
  void tick();
  [[nodiscard]] std::int64_t delivery_ns() const;
  void notify(const wire::SharedBytes& frame);
  void schedule_presence();
  void tell_presence();

  std::vector<Member> members_;
  service::Feed& feed_;
  ops::Metrics& metrics_;
  std::function<std::uint32_t(std::uint32_t)> on_online_;

  Ticker ticker_;
  Timer presence_timer_;
  std::int64_t last_presence_ms_ = 0;
  std::uint32_t told_online_ = 0;
  bool stopped_ = false;
};

}  // namespace net
