// A feed whose entries the test makes durable, and a subscriber that remembers what it got.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/hub.hpp"
#include "service/feed.hpp"

namespace net {

/// Frames say in words what they are.
class FakeFeed final : public service::Feed {
 public:
  std::uint64_t durable = 0;         // the newest offset
  std::vector<std::string> notices;  // not taken yet
  int ticks_asked_for = 0;
  int catch_ups_made = 0;

  std::optional<service::Tick> take_tick() override {
    ++ticks_asked_for;
    if (durable == ticked_) return std::nullopt;
    const auto base = std::exchange(ticked_, durable);
    return service::Tick{base, durable, delta(base, durable)};
  }
  std::vector<wire::SharedBytes> take_notices() override {
    std::vector<wire::SharedBytes> frames;
    for (auto& notice : std::exchange(notices, {})) frames.push_back(frame(std::move(notice)));
    return frames;
  }
  wire::SharedBytes catch_up(std::uint64_t from, std::uint64_t to) override {
    ++catch_ups_made;
    return delta(from, to);
  }
  wire::SharedBytes too_far_behind() override { return frame("too far behind"); }
  wire::SharedBytes presence(std::uint32_t online) override {
    return frame("online " + std::to_string(online));
  }
  wire::SharedBytes draining(std::uint32_t) override { return frame("draining"); }

 private:
  static wire::SharedBytes frame(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }
  static wire::SharedBytes delta(std::uint64_t from, std::uint64_t to) {
    return frame(std::to_string(from) + " to " + std::to_string(to));
  }

  std::uint64_t ticked_ = 0;
};

class FakeSubscriber final : public Subscriber {
 public:
  std::vector<service::Tick> ticks;
  struct Kept {
    service::Tick tick;
    std::size_t sent;
    bool failed;
  };
  std::vector<Kept> kept;
  std::vector<std::string> told;
  std::vector<wire::SharedBytes> notified;
  std::vector<std::string> sent_away;
  bool keeps_up = true;
  std::function<void()> on_deliver = [] {};

  bool deliver(const service::Tick& tick) override {
    on_deliver();
    ticks.push_back(tick);
    return keeps_up;
  }
  void keep(const service::Tick& tick, std::size_t sent, bool failed) override {
    kept.push_back({tick, sent, failed});
  }
  void begin_anew(const wire::SharedBytes& frame) override { sent_away.push_back(*frame); }
  void tell(const wire::SharedBytes& frame) override { told.push_back(*frame); }
  void notify(const wire::SharedBytes& frame) override { notified.push_back(frame); }
};

}  // namespace net
