#include "service/live_counters.hpp"

#include <memory>
#include <utility>

#include "base/limits.hpp"

namespace service {

void LiveCounters::reset(std::span<const ledger::Counter> counters) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, entry] : counters_) {
    idle_ += std::exchange(entry.pressed, false) && entry.followers > 0 ? 1 : 0;
  }
  for (const auto& [name, value] : counters) set(name, value);
  for (auto at = counters_.begin(); at != counters_.end();) {
    auto& entry = at->second;
    if (!entry.pressed) set(entry, 0);
    at = entry.pressed || entry.followers > 0 ? std::next(at) : counters_.erase(at);
  }
}

void LiveCounters::apply(std::span<const ledger::Counter> counters) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, value] : counters) set(name, value);
}

void LiveCounters::set(const std::string& name, std::int64_t value) {
  auto& entry = counters_[name];
  idle_ -= !std::exchange(entry.pressed, true) && entry.followers > 0 ? 1 : 0;
  set(entry, value);
}

void LiveCounters::set(Entry& entry, std::int64_t value) {
  if (entry.value == value) return;
  entry.value = value;
  ++entry.version;
  if (entry.followers == 0 || std::exchange(entry.changed, true)) return;
  changed_.push_back(entry.topic);
}

std::int64_t LiveCounters::value(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = counters_.find(name);
  return found == counters_.end() ? 0 : found->second.value;
}

std::vector<ledger::Counter> LiveCounters::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<ledger::Counter> pressed;
  for (const auto& [name, entry] : counters_) {
    if (entry.pressed) pressed.push_back({name, entry.value});
  }
  return pressed;
}

std::optional<Following> LiveCounters::follow(std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto found = counters_.find(name);
  if (found == counters_.end() || found->second.followers == 0) {
    const bool pressed = found != counters_.end() && found->second.pressed;
    if (!pressed && idle_ >= base::limits::kIdleTopicsMax) return std::nullopt;
    if (found == counters_.end()) found = counters_.emplace(name, Entry{}).first;
    idle_ += pressed ? 0 : 1;
    found->second.topic = ++topics_;
    followed_.emplace(topics_, found);
  }
  ++found->second.followers;
  return std::optional<Following>(std::in_place, *this, found->second.topic);
}

void LiveCounters::leave(Topic topic) {
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(topic);
  auto& entry = found->second->second;
  if (--entry.followers > 0) return;
  entry.changed = false;
  if (!entry.pressed) {
    --idle_;
    counters_.erase(found->second);
  }
  followed_.erase(found);
}

std::vector<TopicEvent> LiveCounters::take_changed() {
  const std::lock_guard lock(mutex_);
  std::vector<TopicEvent> events;
  events.reserve(changed_.size());
  for (const auto topic : std::exchange(changed_, {})) {
    const auto found = followed_.find(topic);
    if (found == followed_.end()) continue;  // nobody is left
    auto& entry = found->second->second;
    entry.changed = false;
    events.push_back(event(entry));
  }
  return events;
}

TopicEvent LiveCounters::newest(Topic topic) {
  const std::lock_guard lock(mutex_);
  return event(followed_.at(topic)->second);
}

TopicEvent LiveCounters::event(const Entry& entry) {
  const auto text = "data: {\"value\":" + std::to_string(entry.value) + "}\n\n";
  return {.topic = entry.topic,
          .version = entry.version,
          .bytes = std::make_shared<const std::string>(text)};
}

}  // namespace service
