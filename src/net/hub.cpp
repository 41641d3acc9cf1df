#include "net/hub.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/outbox.hpp"

namespace net {

namespace {

namespace limits = base::limits;

constexpr std::size_t kCatchUpsKept = 64;

}  // namespace

void HubShard::add(Subscriber& subscriber) {
  subscriber.place_ = slots_.size();
  slots_.push_back({.subscriber = &subscriber});
  count_.store(static_cast<std::uint32_t>(slots_.size()));
}

void HubShard::remove(Subscriber& subscriber) {
  slots_.back().subscriber->place_ = subscriber.place_;
  slots_[subscriber.place_] = slots_.back();
  slots_.pop_back();
  count_.store(static_cast<std::uint32_t>(slots_.size()));
}

void HubShard::follow(const Subscriber& subscriber, int socket, std::uint64_t position) {
  slots_[subscriber.place_].socket = socket;
  slots_[subscriber.place_].position = position;
}

std::uint64_t HubShard::unfollow(const Subscriber& subscriber) {
  slots_[subscriber.place_].socket = kNone;
  return slots_[subscriber.place_].position;
}

void HubShard::deliver(const service::Tick& tick) {
  const auto begin_ns = base::steady_ns();
  offset_ = tick.offset;
  catch_ups_.clear();
  // Nobody leaves meanwhile: see Connection.
  if (tick.anew) {
    for (const Slot& slot : slots_) slot.subscriber->begin_anew(tick.frame);
    return;
  }
  std::size_t sent = 0;
  for (Slot& slot : slots_) {
    const bool straight = slot.socket != kNone && slot.position == tick.base && tick.frame;
    const bool has_it = straight ? send_straight(slot, tick) : slot.subscriber->deliver(tick);
    sent += has_it ? 1 : 0;
  }
  frames_sent_.add(static_cast<double>(sent));
  const auto took_ns = base::steady_ns() - begin_ns;
  delivery_ns_.store(took_ns);
  metrics_.fanout_seconds.observe(static_cast<double>(took_ns) * 1e-9);
  metrics_.bytes_sent.add(static_cast<double>(std::exchange(straight_bytes_, 0)));
}

bool HubShard::send_straight(Slot& slot, const service::Tick& tick) {
  slot.position = tick.offset;
  std::size_t sent = 0;
  const auto state = send_now(slot.socket, *tick.frame, sent);
  straight_bytes_ += sent;
  if (state != Outbox::State::empty) {
    slot.subscriber->keep(tick, sent, state == Outbox::State::failed);
  }
  return state != Outbox::State::failed;
}

void HubShard::tell(const wire::SharedBytes& frame) {
  for (const Slot& slot : slots_) slot.subscriber->tell(frame);
}

void HubShard::notify(const wire::SharedBytes& frame) {
  for (const Slot& slot : slots_) slot.subscriber->notify(frame);
}

wire::SharedBytes HubShard::catch_up(std::uint64_t from) {
  if (const auto found = catch_ups_.find(from); found != catch_ups_.end()) return found->second;
  auto frame = feed_.catch_up(from, offset_);
  if (catch_ups_.size() < kCatchUpsKept) catch_ups_.emplace(from, frame);
  return frame;
}

Hub::Hub(std::vector<Member> members, service::Feed& feed, int tick_ms_max, ops::Metrics& metrics,
         std::function<std::uint32_t(std::uint32_t)> on_online)
    : members_(std::move(members)),
      feed_(feed),
      metrics_(metrics),
      on_online_(std::move(on_online)),
      ticker_(
          *members_.front().io, tick_ms_max, [this] { tick(); }, [this] { return delivery_ns(); }),
      presence_timer_(members_.front().io->get_executor()) {}

void Hub::tick() {
  for (const auto& frame : feed_.take_notices()) notify(frame);
  const auto tick = feed_.take_tick();
  if (!tick) return;
  for (const Member& member : members_) {
    asio::dispatch(*member.io, [shard = member.shard, tick = *tick] { shard->deliver(tick); });
  }
  metrics_.tick_ms.set(ticker_.tick_ms());
}

std::int64_t Hub::delivery_ns() const {
  std::int64_t slowest_ns = 0;
  for (const Member& member : members_) {
    slowest_ns = std::max(slowest_ns, member.shard->delivery_ns());
  }
  return slowest_ns;
}

void Hub::start() { schedule_presence(); }

void Hub::stop() {
  stopped_ = true;
  ticker_.stop();
  presence_timer_.cancel();
}

void Hub::schedule_presence() {
  presence_timer_.expires_after(std::chrono::milliseconds(limits::kPresenceEveryMs));
  presence_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    tell_presence();
    schedule_presence();
  });
}

void Hub::tell_presence() {
  std::uint32_t here = 0;
  for (const Member& member : members_) here += member.shard->subscribers();
  const auto online = on_online_(here);
  const auto now_ms = base::steady_ms();
  if (online == told_online_ && now_ms - last_presence_ms_ < limits::kHeartbeatMs) return;
  told_online_ = online;
  last_presence_ms_ = now_ms;
  tell(feed_.presence(online));
}

void Hub::tell(const wire::SharedBytes& frame) {
  for (const Member& member : members_) {
    asio::dispatch(*member.io, [shard = member.shard, frame] { shard->tell(frame); });
  }
}

void Hub::notify(const wire::SharedBytes& frame) {
  for (const Member& member : members_) {
    asio::dispatch(*member.io, [shard = member.shard, frame] { shard->notify(frame); });
  }
}

}  // namespace net
