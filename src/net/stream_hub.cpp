#include "net/stream_hub.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <boost/asio/dispatch.hpp>

#include "base/clock.hpp"
#include "net/outbox.hpp"

namespace net {

void StreamShard::add(StreamSubscriber& subscriber, service::Topic topic) {
  auto& slots = topics_[topic];
  subscriber.topic_ = topic;
  subscriber.place_ = slots.size();
  slots.push_back({.subscriber = &subscriber});
}

void StreamShard::remove(StreamSubscriber& subscriber) {
  const auto found = topics_.find(subscriber.topic_);
  auto& slots = found->second;
  slots.back().subscriber->place_ = subscriber.place_;
  slots[subscriber.place_] = slots.back();
  slots.pop_back();
  if (slots.empty()) topics_.erase(found);
}

void StreamShard::follow(const StreamSubscriber& subscriber, int socket, std::uint64_t version) {
  auto& slot = topics_[subscriber.topic_][subscriber.place_];
  slot.socket = socket;
  slot.version = version;
}

void StreamShard::unfollow(const StreamSubscriber& subscriber) {
  topics_[subscriber.topic_][subscriber.place_].socket = kNone;
}

void StreamShard::deliver(const std::vector<service::TopicEvent>& events) {
  const auto begin_ns = base::steady_ns();
  std::size_t sent = 0;
  for (const auto& event : events) {
    const auto found = topics_.find(event.topic);
    if (found != topics_.end()) sent += deliver(event, found->second);
  }
  frames_sent_.add(static_cast<double>(sent));
  const auto took_ns = base::steady_ns() - begin_ns;
  delivery_ns_.store(took_ns);
  metrics_.fanout_seconds.observe(static_cast<double>(took_ns) * 1e-9);
  metrics_.bytes_sent.add(static_cast<double>(std::exchange(bytes_sent_, 0)));
}

/// Nobody leaves meanwhile: see Connection.
std::size_t StreamShard::deliver(const service::TopicEvent& event, std::vector<Slot>& slots) {
  std::size_t delivered = 0;
  for (Slot& slot : slots) {
    if (slot.socket == kNone) {
      slot.subscriber->miss();
      continue;
    }
    // Whoever came after the event was made may have a newer one already.
    if (slot.version >= event.version) continue;
    slot.version = event.version;
    std::size_t sent = 0;
    const auto state = send_now(slot.socket, *event.bytes, sent);
    bytes_sent_ += sent;
    ++delivered;
    if (state != Outbox::State::empty) {
      slot.subscriber->keep(event.bytes, sent, state == Outbox::State::failed);
    }
  }
  return delivered;
}

StreamHub::StreamHub(std::vector<Member> members, service::Streams& streams, int tick_ms_max,
                     ops::Metrics& metrics)
    : members_(std::move(members)),
      streams_(streams),
      metrics_(metrics),
      ticker_(
          *members_.front().io, tick_ms_max, [this] { tick(); }, [this] { return delivery_ns(); }) {
}

void StreamHub::tick() {
  auto changed = streams_.take_changed();
  if (changed.empty()) return;
  const auto events = std::make_shared<const std::vector<service::TopicEvent>>(std::move(changed));
  for (const Member& member : members_) {
    asio::dispatch(*member.io, [shard = member.shard, events] { shard->deliver(*events); });
  }
  metrics_.tick_ms.set(ticker_.tick_ms());
}

std::int64_t StreamHub::delivery_ns() const {
  std::int64_t slowest_ns = 0;
  for (const Member& member : members_) {
    slowest_ns = std::max(slowest_ns, member.shard->delivery_ns());
  }
  return slowest_ns;
}

}  // namespace net
