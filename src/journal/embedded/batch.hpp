// One batch of operations: decided in order against what is stored and what the batch itself has
// already accepted. Nothing is changed until write(), inside the caller's transaction, so a batch
// that could not be committed leaves no trace.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "canvas/cooldown.hpp"
#include "canvas/operation.hpp"
#include "journal/embedded/state.hpp"
#include "journal/embedded/store.hpp"
#include "journal/embedded/window.hpp"

namespace journal {

/// Lives for one transaction; the operations decided must outlive it.
class Batch {
 public:
  Batch(Store& store, const State& state, const canvas::Rules& rules, std::int64_t now_ms);

  /// Seen before: the first answer. Then stale, frozen, cooldown; else accepted, provided that the
  /// batch is committed.
  canvas::Answer decide(const canvas::Operation& operation);

  /// Puts everything accepted into the store.
  void write();

  /// What was accepted, in order.
  [[nodiscard]] const std::vector<canvas::Entry>& entries() const { return entries_; }

 private:
  struct Person {
    std::int64_t full_at_ms = 0;
    std::string_view name;  // of the last accepted operation
    bool changed = false;
  };
  struct Producer {
    Window window;
    bool changed = false;
  };
  struct ProducerKey {
    base::PersonId person;
    base::ProducerId producer;
    friend bool operator==(const ProducerKey&, const ProducerKey&) = default;
  };
  struct ProducerKeyHash {
    std::size_t operator()(const ProducerKey& key) const;
  };

  Person& person(base::PersonId id);
  Producer& producer(const ProducerKey& key);
  canvas::Accepted accept(const canvas::Operation& operation, Person& person, Producer& producer);

  Store& store_;
  const State& state_;
  const canvas::Rules rules_;
  const std::int64_t now_ms_;

  std::uint64_t offset_;
  std::uint64_t digest_;
  std::vector<canvas::Entry> entries_;
  std::unordered_map<std::int64_t, Person> people_;
  std::unordered_map<ProducerKey, Producer, ProducerKeyHash> producers_;
};

}  // namespace journal
