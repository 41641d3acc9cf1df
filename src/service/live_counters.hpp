// The counters as they are now, in memory: read by requests, followed by streams.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ledger/ledger.hpp"
#include "service/streams.hpp"

namespace service {

/// Thread-safe.
class LiveCounters final : public Streams {
 public:
  /// What a ledger's events bring.
  void reset(std::span<const ledger::Counter> counters);
  void apply(std::span<const ledger::Counter> counters);

  /// 0 for one that nobody has pressed.
  [[nodiscard]] std::int64_t value(std::string_view name) const;
  /// Those that were pressed, by name.
  [[nodiscard]] std::vector<ledger::Counter> all() const;

  /// Follows a counter, pressed or not; nullopt when limits::kIdleTopicsMax others are followed
  /// that nobody has pressed.
  std::optional<Following> follow(std::string_view name);
  std::vector<TopicEvent> take_changed() override;
  TopicEvent newest(Topic topic) override;

 private:
  struct Entry {
    std::int64_t value = 0;
    std::uint64_t version = 1;  // of the value
    Topic topic = 0;            // never another's, so that no event on its way can be mistaken
    std::size_t followers = 0;
    bool pressed = false;
    bool changed = false;  // since take_changed(), and somebody follows it
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  void leave(Topic topic) override;
  void set(const std::string& name, std::int64_t value);
  void set(Entry& entry, std::int64_t value);
  static TopicEvent event(const Entry& entry);

  mutable std::mutex mutex_;
  Entries counters_;
  std::unordered_map<Topic, Entries::iterator> followed_;
  std::size_t idle_ = 0;  // followed, but not pressed
  Topic topics_ = 0;      // so many were given out
  std::vector<Topic> changed_;
};

}  // namespace service
