// What was last read or written of people and producers, so that those who are at it are not read
// again for every batch. The truth is in the store: this may be forgotten whole at any time, and
// must be when a batch that changed it was not committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "base/ids.hpp"
#include "journal/embedded/store.hpp"
#include "journal/embedded/window.hpp"

namespace journal {

struct Person {
  std::int64_t full_at_ms = 0;
  std::string_view name;  // of the last operation accepted in this batch, which owns it
  bool changed = false;   // in this batch
};

struct Producer {
  Window window;
  bool changed = false;  // in this batch
};

struct ProducerKey {
  base::PersonId person;
  base::ProducerId producer;
  friend bool operator==(const ProducerKey&, const ProducerKey&) = default;
};

/// The writer's. References stay good until forget(); bounded by forget_if_large() before each
/// batch.
class Recent {
 public:
  explicit Recent(Store& store) : store_(store) {}

  Person& person(base::PersonId id) {
    const auto [found, added] = people_.try_emplace(base::number(id));
    if (added) found->second.full_at_ms = store_.full_at_ms(id);
    return found->second;
  }
  Producer& producer(const ProducerKey& key) {
    const auto [found, added] = producers_.try_emplace(key);
    if (added) found->second.window = store_.window(key.person, key.producer);
    return found->second;
  }

  void forget() {
    people_.clear();
    producers_.clear();
  }
  void forget_if_large() {
    if (people_.size() + producers_.size() > kPeopleAndProducersMax) forget();
  }

 private:
  // About 10 MB, and a batch more.
  static constexpr std::size_t kPeopleAndProducersMax = 65'536;

  struct Hash {
    std::size_t operator()(const ProducerKey& key) const {
      const auto person = static_cast<std::uint64_t>(base::number(key.person));
      return std::hash<std::uint64_t>{}(base::number(key.producer) ^ person * 0x9E3779B97F4A7C15);
    }
  };

  Store& store_;
  std::unordered_map<std::int64_t, Person> people_;
  std::unordered_map<ProducerKey, Producer, Hash> producers_;
};

}  // namespace journal
