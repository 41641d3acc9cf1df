#include "journal/embedded/batch.hpp"

#include <unordered_map>
#include <utility>

#include "canvas/digest.hpp"

namespace journal {

using canvas::Accepted;
using canvas::Answer;
using canvas::Charges;
using canvas::Entry;
using canvas::Operation;
using canvas::Refusal;
using canvas::Refused;

Batch::Batch(Store& store, Recent& recent, const State& state, const canvas::Rules& rules,
             std::int64_t now_ms)
    : store_(store),
      recent_(recent),
      state_(state),
      rules_(rules),
      now_ms_(now_ms),
      offset_(state.offset),
      digest_(state.digest) {}

Answer Batch::decide(const Operation& operation) {
  Producer& producer = recent_.producer({operation.person, operation.producer});
  if (const Remembered* first = producer.window.find(operation.sequence)) {
    return Accepted{state_.position_of(first->offset), first->charges};
  }
  Person& person = recent_.person(operation.person);
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
  if (!std::exchange(person.changed, true)) people_.emplace_back(operation.person, &person);
  const Charges charges = canvas::charges_at(rules_, person.full_at_ms, now_ms_);
  producer.window.remember({operation.sequence, entry.offset, charges});
  if (!std::exchange(producer.changed, true)) {
    producers_.emplace_back(ProducerKey{operation.person, operation.producer}, &producer);
  }
  return {{state_.epochs.back().number, entry.offset}, charges};
}

void Batch::write() {
  std::unordered_map<std::uint32_t, std::uint64_t> heads;  // of pixels written by this batch
  heads.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    const auto [head, first] = heads.try_emplace(state_.board.index(entry.x, entry.y), 0);
    const std::uint64_t previous = first ? state_.heads->at(entry.x, entry.y) : head->second;
    head->second = entry.offset;
    store_.add_entry(entry, previous);
  }
  for (const auto& [id, person] : people_) {
    store_.put_person(id, person->name, person->full_at_ms);
    person->changed = false;
  }
  for (const auto& [key, producer] : producers_) {
    store_.put_window(key.person, key.producer, producer->window, now_ms_);
    producer->changed = false;
  }
}

}  // namespace journal
