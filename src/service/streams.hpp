// What streams of server-sent events deliver: for every topic the newest event, ready to be sent.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "wire/frame.hpp"

namespace service {

/// What a stream follows, by number.
using Topic = std::uint32_t;

/// A topic's newest event, encoded once for everybody who follows it.
struct TopicEvent {
  Topic topic = 0;
  std::uint64_t version = 0;  // grows with every change of the topic
  wire::SharedBytes bytes;
};

/// Thread-safe.
class Streams {
 public:
  virtual ~Streams() = default;

  /// The topics that have something newer than at the last call.
  virtual std::vector<TopicEvent> take_changed() = 0;

  /// The newest event of a topic, for who begins to follow it, or could not keep up.
  virtual TopicEvent newest(Topic topic) = 0;

 protected:
  friend class Following;
  /// One that followed the topic does so no more.
  virtual void leave(Topic topic) = 0;
};

/// Somebody follows a topic as long as this lives; the streams outlive it.
class Following {
 public:
  Following(Streams& streams, Topic topic) : streams_(&streams), topic_(topic) {}
  Following(Following&& other) noexcept
      : streams_(std::exchange(other.streams_, nullptr)), topic_(other.topic_) {}
  Following& operator=(Following&& other) noexcept {
    std::swap(streams_, other.streams_);
    std::swap(topic_, other.topic_);
    return *this;
  }
  ~Following() {
    if (streams_ != nullptr) streams_->leave(topic_);
  }

  [[nodiscard]] Topic topic() const { return topic_; }

 private:
  Streams* streams_;
  Topic topic_;
};

}  // namespace service
