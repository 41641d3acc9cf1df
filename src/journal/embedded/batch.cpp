#include "journal/embedded/batch.hpp"

#include <algorithm>

#include "canvas/digest.hpp"

namespace journal {

using canvas::Accepted;
using canvas::Answer;
using canvas::Charges;
using canvas::Entry;
using canvas::Operation;
using canvas::Refusal;
using canvas::Refused;

Batch::Batch(Store& store, const State& state, const canvas::Rules& rules, std::int64_t now_ms)
    : store_(store),
      state_(state),
      rules_(rules),
      now_ms_(now_ms),
      offset_(state.offset),
      digest_(state.digest) {}

Answer Batch::decide(const Operation& operation) {
  Producer& producer = this->producer({operation.person, operation.producer});
  if (const Remembered* first = producer.window.find(operation.sequence)) {
    return Accepted{state_.position_of(first->offset), first->charges};
  }
  Person& person = this->person(operation.person);
  const Charges charges = canvas::charges_at(rules_, person.full_at_ms, now_ms_);
  if (operation.sequence <= producer.window.last_sequence()) {
    return Refused{Refusal::stale, 0, charges};
  }
  if (rules_.frozen) return Refused{Refusal::frozen, 0, charges};
  if (!state_.board.size().contains(operation.x, operation.y)) {
    return Refused{Refusal::outside, 0, charges};
  }
  if (charges.left == 0) return Refused{Refusal::cooldown, charges.next_charge_ms, charges};
  return accept(operation, person, producer);
}

Accepted Batch::accept(const Operation& operation, Person& person, Producer& producer) {
  Entry entry{.offset = ++offset_,
              .time_ms = now_ms_,
              .person = operation.person,
              .x = operation.x,
              .y = operation.y,
              .color = operation.color};
  entry.digest = digest_ = canvas::next_digest(digest_, entry);
  entries_.push_back(entry);

  person.full_at_ms = canvas::spend_charge(rules_, person.full_at_ms, now_ms_);
  person.name = operation.name;
  person.changed = true;
  const Charges charges = canvas::charges_at(rules_, person.full_at_ms, now_ms_);
  producer.window.remember({operation.sequence, entry.offset, charges});
  producer.changed = true;
  return {{state_.epochs.back().number, entry.offset}, charges};
}

void Batch::write() {
  std::unordered_map<std::uint32_t, std::uint64_t> heads;  // of pixels written by this batch
  for (const Entry& entry : entries_) {
    const auto [head, first] = heads.try_emplace(state_.board.index(entry.x, entry.y), 0);
    const std::uint64_t previous = first ? state_.heads->at(entry.x, entry.y) : head->second;
    head->second = entry.offset;
    store_.add_entry(entry, previous);
  }
  for (const auto& [id, person] : people_) {
    if (person.changed) store_.put_person(base::PersonId{id}, person.name, person.full_at_ms);
  }
  for (const auto& [key, producer] : producers_) {
    if (producer.changed) {
      store_.put_window(key.person, key.producer, producer.window, now_ms_);
    }
  }
}

Batch::Person& Batch::person(base::PersonId id) {
  const auto [found, added] = people_.try_emplace(base::number(id));
  if (added) found->second.full_at_ms = store_.full_at_ms(id);
  return found->second;
}

Batch::Producer& Batch::producer(const ProducerKey& key) {
  const auto [found, added] = producers_.try_emplace(key);
  if (added) found->second.window = store_.window(key.person, key.producer);
  return found->second;
}

std::size_t Batch::ProducerKeyHash::operator()(const ProducerKey& key) const {
  const auto person = static_cast<std::uint64_t>(base::number(key.person));
  return std::hash<std::uint64_t>{}(base::number(key.producer) ^ person * 0x9E3779B97F4A7C15);
}

}  // namespace journal
