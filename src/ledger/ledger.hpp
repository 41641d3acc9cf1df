// The ledger: where counters are kept and pressed, as a port. What is answered is durable; every
// increment gets a value of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/callback.hpp"
#include "base/health.hpp"
#include "base/result.hpp"
#include "counter/press.hpp"

namespace ledger {

/// A counter and its value.
struct Counter {
  std::string name;
  std::int64_t value = 0;
  friend bool operator==(const Counter&, const Counter&) = default;
};

/// What a ledger tells, on its own threads or the loop it lives on; short, never calls the ledger,
/// none after stop().
struct Events {
  /// All counters: at the start, and when they are others than could be followed.
  std::function<void(std::span<const Counter> counters)> on_loaded;
  /// These have changed, here or elsewhere; their newest values. In order.
  std::function<void(std::span<const Counter> counters)> on_changed;
  /// A batch has become durable: how many presses, and how long it took.
  std::function<void(std::size_t presses, double seconds)> on_batch;
  /// The ledger cannot go on (an I/O error whose outcome is unknown): the process must stop.
  std::function<void(const std::string& why)> on_fatal;
};

/// Exactly once for each press.
using OnAnswer = base::Callback<void(const counter::Answer&)>;

/// Thread-safe.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Opens the ledger and begins to serve. Once, before anything else.
  virtual base::Status start(Events events) = 0;

  /// Decides a press and, if it is accepted, makes it durable. A key seen before gets its first
  /// answer again. The new value was told by on_changed before it is answered.
  virtual void press(counter::Press press, OnAnswer on_answer) = 0;

  [[nodiscard]] virtual base::Health health() const = 0;

  /// Finishes and answers everything asked, then closes. Idempotent.
  virtual void stop() = 0;
};

/// The answers of a ledger that cannot take a press now.
inline counter::Refused busy() { return {counter::Refusal::busy, 250}; }
inline counter::Refused unknown() { return {counter::Refusal::unknown, 1'000}; }
inline counter::Refused unavailable() { return {counter::Refusal::unavailable, 1'000}; }

}  // namespace ledger
