#include "ops/metrics.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "ops/process.hpp"

namespace ops {

namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets kCommitBuckets{0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                             0.05,    0.1,    0.25,  0.5,    1,     2.5};
const Buckets kLatencyBuckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                              0.25,  0.5,    1,     2.5,  5,     10};
const Buckets kRequestBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                              0.025,  0.05,    0.1,    0.25,  1,      5};
const Buckets kFanoutBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                             0.025,  0.05,    0.1,    0.25,  0.5,    1};
const Buckets kEntriesBuckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

using Values = std::initializer_list<std::string>;

std::string prefix_of(Program program) {
  std::string prefix(name_of(program));
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  return prefix + '_';
}

}  // namespace

void Counter::add(double amount) const { counter_->Increment(amount); }
void Gauge::set(double value) const { gauge_->Set(value); }
void Gauge::add(double amount) const { gauge_->Increment(amount); }
void Gauge::subtract(double amount) const { gauge_->Decrement(amount); }
void Histogram::observe(double value) const { histogram_->Observe(value); }

template <class Instrument, class Family>
Instrument Labelled<Instrument, Family>::with(std::string_view value) const {
  return Instrument(family_->Add({{label_, std::string(value)}}));
}
template class Labelled<Counter, prometheus::Family<prometheus::Counter>>;
template class Labelled<Gauge, prometheus::Family<prometheus::Gauge>>;

/// Counters appear with the first answer of their status, and are found without a lock then.
struct RouteMetrics::State {
  static constexpr int kStatusMin = 100;
  static constexpr int kStatusMax = 599;

  State(std::string name, prometheus::Family<prometheus::Counter>& requests_family,
        prometheus::Histogram& request_seconds)
      : route(std::move(name)), requests(requests_family), seconds(request_seconds) {}

  prometheus::Counter& counter(int status) {
    auto& known = by_status[static_cast<std::size_t>(status - kStatusMin)];
    auto* found = known.load(std::memory_order_acquire);
    if (found == nullptr) {
      found = &requests.Add({{"route", route}, {"status", std::to_string(status)}});
      known.store(found, std::memory_order_release);
    }
    return *found;
  }

  std::string route;
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Histogram& seconds;
  std::array<std::atomic<prometheus::Counter*>, kStatusMax - kStatusMin + 1> by_status{};
};

void RouteMetrics::observe(int status, double seconds) const {
  state_->counter(std::clamp(status, State::kStatusMin, State::kStatusMax)).Increment();
  state_->seconds.Observe(seconds);
}

struct Metrics::Registry {
  explicit Registry(Program program) : prefix(prefix_of(program)) {}

  const std::string prefix;
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& http_requests = prometheus::BuildCounter()
                                                               .Name(full("http_requests_total"))
                                                               .Help("HTTP requests answered.")
                                                               .Register(registry);
  prometheus::Family<prometheus::Histogram>& http_seconds =
      prometheus::BuildHistogram()
          .Name(full("http_request_seconds"))
          .Help("Time from the whole request to the whole answer handed to the socket.")
          .Register(registry);
  std::mutex routes_mutex;
  std::map<std::string, RouteMetrics::State, std::less<>> routes;

  [[nodiscard]] std::string full(std::string_view name) const {
    return std::string(prefix).append(name);
  }
  Gauge gauge(std::string_view name, const char* help) {
    return Gauge(prometheus::BuildGauge().Name(full(name)).Help(help).Register(registry).Add({}));
  }
  Counter counter(std::string_view name, const char* help) {
    return Counter(
        prometheus::BuildCounter().Name(full(name)).Help(help).Register(registry).Add({}));
  }
  Histogram histogram(std::string_view name, const char* help, const Buckets& buckets) {
    return Histogram(prometheus::BuildHistogram()
                         .Name(full(name))
                         .Help(help)
                         .Register(registry)
                         .Add({}, buckets));
  }
  /// The known values are there from the start, so that a rate over them never begins in a gap.
  LabelledGauge gauges(std::string_view name, const char* help, const char* label, Values values) {
    auto& family = prometheus::BuildGauge().Name(full(name)).Help(help).Register(registry);
    for (const auto& value : values) family.Add({{label, value}});
    return {family, label};
  }
  LabelledCounter counters(std::string_view name, const char* help, const char* label,
                           Values values) {
    auto& family = prometheus::BuildCounter().Name(full(name)).Help(help).Register(registry);
    for (const auto& value : values) family.Add({{label, value}});
    return {family, label};
  }
};

Metrics::Metrics(Program program, std::string_view version)
    : registry_(std::make_unique<Registry>(program)),
      connections(registry_->gauges("connections", "Open connections.", "kind",
                                    {"http", "websocket", "stream"})),
      connections_total(registry_->counters("connections_total", "Connections accepted.", "kind",
                                            {"http", "websocket", "stream"})),
      connections_refused(
          registry_->counters("connections_refused_total", "Connections refused.", "reason",
                              {"total_limit", "address_limit", "bad_origin", "draining"})),
      frames_sent(registry_->counters("frames_sent_total", "Live messages sent.", "kind",
                                      {"delta", "catch_up", "answer", "control"})),
      bytes_sent(registry_->counter("bytes_sent_total", "Bytes written to sockets.")),
      bytes_received(registry_->counter("bytes_received_total", "Bytes read from sockets.")),
      commit_seconds(registry_->histogram("commit_seconds", "Time to make one batch durable.",
                                          kCommitBuckets)),
      commit_entries(
          registry_->histogram("commit_entries", "Entries of one batch.", kEntriesBuckets)),
      fanout_seconds(registry_->histogram(
          "fanout_seconds", "Time to hand one tick's frame to every socket.", kFanoutBuckets)),
      tick_ms(registry_->gauge("tick_ms", "Milliseconds between two live updates now.")),
      slow_clients(registry_->gauge("slow_clients", "Clients that are behind now.")),
      ready(registry_->gauge("ready", "1 if the server is ready.")) {
  registry_->gauges("build_info", "1; the version is in the label.", "version", {})
      .with(version)
      .set(1);
}

CanvasMetrics::CanvasMetrics(std::string_view version)
    : Metrics(Program::pixel_battle, version),
      players_online(registry_->gauge("players_online", "Connected players.")),
      messages_received(
          registry_->counters("messages_received_total", "WebSocket messages received.", "type",
                              {"hello", "resume", "sign_in", "place", "ping", "malformed"})),
      placements_accepted(
          registry_->counter("placements_accepted_total", "Placements made durable.")),
      placements_refused(
          registry_->counters("placements_refused_total", "Placements refused.", "reason",
                              {"cooldown", "frozen", "outside", "bad_color", "not_signed_in",
                               "stale", "unavailable", "busy", "banned"})),
      placement_seconds(registry_->histogram(
          "placement_seconds", "Time from a placement asked for to its answer.", kLatencyBuckets)),
      journal_epoch(registry_->gauge("journal_epoch", "The journal's epoch.")),
      journal_offset(registry_->gauge("journal_offset", "The offset of the last durable entry.")),
      journal_writable(registry_->gauge("journal_writable", "1 if the journal takes entries.")),
      archived_offset(registry_->gauge("archived_offset", "The offset up to which is archived.")),
      archive_lag_entries(
          registry_->gauge("archive_lag_entries", "Entries that are not in the history yet.")),
      snapshots_needed(registry_->counters("snapshots_needed_total",
                                           "Clients sent to fetch a snapshot.", "why",
                                           {"other_epoch", "too_old", "digest_differs", "ahead"})),
      snapshot_bytes(registry_->gauges("snapshot_bytes", "Size of the newest snapshot.", "encoding",
                                       {"identity", "gzip", "br", "zstd"})) {}

CounterMetrics::CounterMetrics(std::string_view version)
    : Metrics(Program::counter, version),
      presses_accepted(registry_->counters("presses_accepted_total", "Presses made durable.",
                                           "verb", {"increment", "decrement", "reset"})),
      presses_refused(registry_->counters("presses_refused_total", "Presses refused.", "reason",
                                          {"at_zero", "overflow", "key_reused", "too_many_counters",
                                           "unavailable", "busy", "unknown"})),
      ledger_writable(registry_->gauge("ledger_writable", "1 if the ledger takes presses.")) {}

Metrics::~Metrics() = default;

RouteMetrics Metrics::route(std::string_view name) {
  const std::scoped_lock lock(registry_->routes_mutex);
  auto found = registry_->routes.find(name);
  if (found == registry_->routes.end()) {
    auto& seconds = registry_->http_seconds.Add({{"route", std::string(name)}}, kRequestBuckets);
    found =
        registry_->routes
            .try_emplace(std::string(name), std::string(name), registry_->http_requests, seconds)
            .first;
  }
  return RouteMetrics(found->second);
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(registry_->registry.Collect()) + process_metrics();
}

}  // namespace ops
