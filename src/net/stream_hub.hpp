// Streams: the newest event of a topic to everybody who follows it. One shard per worker thread;
// the ticker on the first worker takes what has changed. Events that a slow client misses are not
// kept for it: when it is ready again it gets the newest.
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "net/ticker.hpp"
#include "ops/metrics.hpp"
#include "service/streams.hpp"

namespace net {

/// Someone who follows a topic, on a shard's thread.
class StreamSubscriber {
 public:
  virtual ~StreamSubscriber() = default;
  /// The socket took only `sent` bytes of the event, or none because it failed. It gets no more
  /// until it follows again.
  virtual void keep(const wire::SharedBytes& bytes, std::size_t sent, bool failed) = 0;
  /// There was an event that it did not get, because it does not follow now.
  virtual void miss() = 0;

 private:
  friend class StreamShard;
  service::Topic topic_ = 0;
  std::size_t place_ = 0;
};

/// Belongs to its worker's thread, except for delivery_ns().
class StreamShard {
 public:
  StreamShard(service::Streams& streams, ops::Metrics& metrics)
      : streams_(streams), metrics_(metrics), frames_sent_(metrics.frames_sent.with("delta")) {}

  void add(StreamSubscriber& subscriber, service::Topic topic);
  void remove(StreamSubscriber& subscriber);

  /// The subscriber has everything up to `version` and nothing else to send: later events go
  /// straight to its socket. One dense list a topic, because with thousands of clients the time of
  /// a delivery beyond the system calls is that of its cache misses.
  void follow(const StreamSubscriber& subscriber, int socket, std::uint64_t version);
  /// Ends that.
  void unfollow(const StreamSubscriber& subscriber);

  [[nodiscard]] service::TopicEvent newest(const StreamSubscriber& subscriber) {
    return streams_.newest(subscriber.topic_);
  }

  void deliver(const std::vector<service::TopicEvent>& events);
  /// How long the last delivery took on this thread.
  [[nodiscard]] std::int64_t delivery_ns() const { return delivery_ns_.load(); }

 private:
  struct Slot {
    StreamSubscriber* subscriber = nullptr;
    std::uint64_t version = 0;  // of the newest event that it has
    int socket = kNone;         // kNone: it does not follow
  };
  static constexpr int kNone = -1;
  std::size_t deliver(const service::TopicEvent& event, std::vector<Slot>& slots);

  service::Streams& streams_;
  ops::Metrics& metrics_;
  const ops::Counter frames_sent_;
  std::unordered_map<service::Topic, std::vector<Slot>> topics_;
  std::uint64_t bytes_sent_ = 0;
  std::atomic<std::int64_t> delivery_ns_{0};
};

/// Takes what has changed when the ticker says so.
class StreamHub {
 public:
  struct Member {
    asio::io_context* io;
    StreamShard* shard;
  };

  /// `members[0]` is where the ticker runs.
  StreamHub(std::vector<Member> members, service::Streams& streams, int tick_ms_max,
            ops::Metrics& metrics);

  /// Something has changed. Thread-safe, cheap, does not wait.
  void wake() { ticker_.wake(); }
  /// On the first worker's thread.
  void stop() { ticker_.stop(); }

 private:
  void tick();
  [[nodiscard]] std::int64_t delivery_ns() const;

  std::vector<Member> members_;
  service::Streams& streams_;
  ops::Metrics& metrics_;
  Ticker ticker_;
};

}  // namespace net
