// A journal under test: opened, with everything it says recorded, and its callbacks turned into
// futures.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "canvas/operation.hpp"
#include "journal/journal.hpp"

namespace contract {

/// Longer than anything takes; a test that waits for so long has failed.
inline constexpr std::chrono::seconds kPatience{30};

/// An operation of a person, with the producer they are likeliest to have.
inline canvas::Operation place(std::int64_t person, std::uint64_t sequence, std::uint16_t x = 1,
                               std::uint16_t y = 2, std::uint8_t color = 3) {
  return {.person = base::PersonId{person},
          .producer = base::ProducerId{static_cast<std::uint64_t>(person) + 1000},
          .sequence = sequence,
          .x = x,
          .y = y,
          .color = color,
          .name = "person " + std::to_string(person)};
}

inline bool is_accepted(const canvas::Answer& answer) {
  return std::holds_alternative<canvas::Accepted>(answer);
}

/// The reason of a refusal; nullopt for an accepted operation.
inline std::optional<canvas::Refusal> refusal(const canvas::Answer& answer) {
  const auto* refused = std::get_if<canvas::Refused>(&answer);
  return refused == nullptr ? std::nullopt : std::optional(refused->reason);
}

template <class T>
T wait(std::future<T> future) {
  if (future.wait_for(kPatience) != std::future_status::ready) {
    throw std::runtime_error("no answer");
  }
  return future.get();
}

class RunningJournal {
 public:
  /// `on_commit`, if given, is called first of all with what was committed.
  explicit RunningJournal(std::unique_ptr<journal::Journal> journal,
                          journal::OnCommitted on_commit = {})
      : journal_(std::move(journal)), start_(open(std::move(on_commit))) {}
  ~RunningJournal() { journal_->stop(); }

  [[nodiscard]] const journal::Start& start() const { return start_; }
  journal::Journal* operator->() { return journal_.get(); }

  std::future<canvas::Answer> append(canvas::Operation operation) {
    auto promise = std::make_shared<std::promise<canvas::Answer>>();
    journal_->append(std::move(operation),
                     [promise](const canvas::Answer& answer) { promise->set_value(answer); });
    return promise->get_future();
  }
  canvas::Answer ask(canvas::Operation operation) { return wait(append(std::move(operation))); }
  /// For operations that must be accepted; throws (and so fails the test) when one is not.
  canvas::Accepted accept(canvas::Operation operation) {
    return std::get<canvas::Accepted>(ask(std::move(operation)));
  }

  canvas::Charges charges(std::int64_t person) {
    auto promise = std::make_shared<std::promise<base::Result<canvas::Charges>>>();
    journal_->charges(base::PersonId{person},
                      [promise](auto result) { promise->set_value(std::move(result)); });
    return wait(promise->get_future()).value();
  }
  std::vector<journal::Placement> history(std::uint16_t x, std::uint16_t y,
                                          std::size_t rows_max = 20) {
    using Rows = std::vector<journal::Placement>;
    auto promise = std::make_shared<std::promise<base::Result<Rows>>>();
    journal_->pixel_history(x, y, rows_max,
                            [promise](auto result) { promise->set_value(std::move(result)); });
    return wait(promise->get_future()).value();
  }

  /// Everything committed since the start.
  std::vector<canvas::Entry> committed() {
    const std::lock_guard lock(mutex_);
    return committed_;
  }
  /// What on_reset brought, each time; the first is the start.
  std::vector<journal::Start> resets() {
    const std::lock_guard lock(mutex_);
    return resets_;
  }
  /// What on_fatal said, each time.
  std::vector<std::string> fatal() {
    const std::lock_guard lock(mutex_);
    return fatal_;
  }

 private:
  journal::Start open(journal::OnCommitted on_commit) {
    auto started = journal_->start(
        [this, on_commit = std::move(on_commit)](std::span<const canvas::Entry> entries) {
          if (on_commit) on_commit(entries);
          const std::lock_guard lock(mutex_);
          committed_.insert(committed_.end(), entries.begin(), entries.end());
        },
        [this](journal::Start start) {
          const std::lock_guard lock(mutex_);
          resets_.push_back(std::move(start));
        },
        [this](const std::string& why) {
          const std::lock_guard lock(mutex_);
          fatal_.push_back(why);
        });
    if (!started) throw std::runtime_error(started.error().message);
    return std::move(started).value();
  }

  std::mutex mutex_;
  std::vector<canvas::Entry> committed_;
  std::vector<journal::Start> resets_;
  std::vector<std::string> fatal_;
  std::unique_ptr<journal::Journal> journal_;
  journal::Start start_;
};

}  // namespace contract
