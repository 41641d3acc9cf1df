// Every metric of the server, by name. Instruments are handles: cheap to copy, thread-safe, valid
// as long as the Metrics they came from. Whoever counts often resolves a labelled one once and
// keeps it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ops/config.hpp"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
template <class T>
class Family;
}  // namespace prometheus

namespace ops {

class Counter {
 public:
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  /// `amount` is not negative.
  void add(double amount = 1) const;

 private:
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  void set(double value) const;
  void add(double amount = 1) const;
  void subtract(double amount = 1) const;

 private:
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  void observe(double value) const;

 private:
  prometheus::Histogram* histogram_;
};

/// A metric with one label. `with` looks the instrument up under a lock; a value not seen before
/// makes a new time series that is never forgotten, so values come from code, never from clients.
template <class Instrument, class Family>
class Labelled {
 public:
  Labelled(Family& family, std::string_view label) : family_(&family), label_(label) {}
  [[nodiscard]] Instrument with(std::string_view value) const;

 private:
  Family* family_;
  std::string label_;
};
using LabelledCounter = Labelled<Counter, prometheus::Family<prometheus::Counter>>;
using LabelledGauge = Labelled<Gauge, prometheus::Family<prometheus::Gauge>>;

/// What one route counts. A request costs a few atomics and one short lock of the route's own.
class RouteMetrics {
 public:
  struct State;
  explicit RouteMetrics(State& state) : state_(&state) {}
  /// `status` is the HTTP status answered.
  void observe(int status, double seconds) const;

 private:
  State* state_;
};

/// What every program of ours measures. Thread-safe. The names are those of metrics.cpp's
/// constructors, prefixed with the program's name.
struct Metrics {
 protected:
  struct Registry;
  std::unique_ptr<Registry> registry_;  // first: everything below points into it

 public:
  Metrics(Program program, std::string_view version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Connections.
  LabelledGauge connections;            // kind: http, websocket, stream
  LabelledCounter connections_total;    // kind: http, websocket, stream
  LabelledCounter connections_refused;  // reason: total_limit, address_limit, bad_origin, draining

  // Traffic. Bytes are those of HTTP and WebSocket, headers and all.
  LabelledCounter frames_sent;  // kind: delta, catch_up, answer, control
  Counter bytes_sent;
  Counter bytes_received;

  // Group commit.
  Histogram commit_seconds;
  Histogram commit_entries;

  // Fan-out.
  Histogram fanout_seconds;  // from a tick's start to its last socket
  Gauge tick_ms;
  Gauge slow_clients;  // behind now

  Gauge ready;  // 1 or 0

  /// The metrics of one route, for example route("GET /api/canvas"). Names come from code. Called
  /// again with the same name it gives the same metrics.
  [[nodiscard]] RouteMetrics route(std::string_view name);

  /// Everything in Prometheus' text format, with the process's own memory, time and files.
  [[nodiscard]] std::string text() const;
};

/// Pixel Battle's own.
struct CanvasMetrics : Metrics {
  explicit CanvasMetrics(std::string_view version);

  Gauge players_online;
  LabelledCounter messages_received;  // type: hello, resume, sign_in, place, ping, malformed

  // Placements.
  Counter placements_accepted;
  LabelledCounter placements_refused;  // reason: the names of docs/protocol.md
  Histogram placement_seconds;         // from asked to acknowledged

  // Journal.
  Gauge journal_epoch;
  Gauge journal_offset;
  Gauge journal_writable;  // 1 or 0

  // History, where PostgreSQL keeps it.
  Gauge archived_offset;
  Gauge archive_lag_entries;  // in the journal and not in the history yet

  // Snapshots.
  LabelledCounter snapshots_needed;  // why: other_epoch, too_old, digest_differs, ahead
  LabelledGauge snapshot_bytes;      // encoding: identity, gzip, br, zstd
};

/// The counter's own.
struct CounterMetrics : Metrics {
  explicit CounterMetrics(std::string_view version);

  LabelledCounter presses_accepted;  // verb: increment, decrement, reset
  LabelledCounter presses_refused;   // reason: the codes of docs/counter.md
  Gauge ledger_writable;             // 1 or 0
};

}  // namespace ops
