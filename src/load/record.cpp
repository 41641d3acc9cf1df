#include "load/record.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/clock.hpp"

namespace load {

namespace {

namespace json = boost::json;

constexpr std::array kPercentiles = {50, 95, 99};

std::vector<std::optional<double>> percentiles_ms(const Histogram& times) {
  std::vector<std::optional<double>> found;
  found.reserve(kPercentiles.size());
  for (const int percent : kPercentiles) found.push_back(times.percentile_ms(percent));
  return found;
}

/// Two decimals, as people can read.
json::value rounded(std::optional<double> ms) {
  if (!ms) return nullptr;
  return std::round(*ms * 100) / 100;
}

void add_percentiles(json::object& to, const std::vector<std::optional<double>>& found_ms) {
  for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
    to["p" + std::to_string(kPercentiles[i]) + "_ms"] = rounded(found_ms[i]);
  }
}

template <class Rows>
json::array rows_json(const Rows& rows) {
  json::array all;
  for (const auto& [key, row] : rows) {
    if (row.times.count() == 0) continue;
    json::object one{{"kind", key.first},
                     {"name", key.second},
                     {"requests", row.times.count()},
                     {"failures", row.failures}};
    add_percentiles(one, percentiles_ms(row.times));
    one["max_ms"] = rounded(row.times.max_ms());
    all.push_back(std::move(one));
  }
  return all;
}

json::object verdict_json(const Verdict& verdict) {
  return {{"holds", verdict.holds},
          {"lines", json::array(verdict.lines.begin(), verdict.lines.end())}};
}

json::array thresholds_json(const std::vector<Threshold>& thresholds) {
  json::array all;
  for (const auto& one : thresholds) {
    all.push_back(
        {{"name", one.name}, {"found", one.found}, {"limit", one.limit}, {"holds", one.holds()}});
  }
  return all;
}

}  // namespace

void Record::answer(const std::string& kind, const std::string& name, std::int64_t took_ns) {
  rows_[{kind, name}].times.add(took_ns);
  all_.add(took_ns);
  second_.add(took_ns);
}

void Record::failure(const std::string& kind, const std::string& name, std::int64_t took_ns,
                     const std::string& what) {
  answer(kind, name, took_ns);
  ++rows_[{kind, name}].failures;
  ++errors_[{{kind, name}, what}];
  ++failures_;
  ++now_.failures;
}

Histogram& Record::beside(const std::string& kind, const std::string& name) {
  return beside_[{kind, name}].times;
}

void Record::wait_asked() {
  ++limited_;
  ++now_.limited;
}

/// Empty seconds are kept: they are when nobody answered.
void Record::turn(std::int64_t now_ns, std::size_t users) {
  if (ended_ns_ != 0) return;
  const auto second = (now_ns - began_ns_) / base::kSecondNs;
  while (now_.second < second) {
    now_.users = users;
    now_.requests = second_.count();
    now_.percentiles_ms = percentiles_ms(second_);
    seconds_.push_back(std::move(now_));
    now_ = {.second = seconds_.back().second + 1, .percentiles_ms = {}};
    second_.clear();
  }
}

/// The last second is not told: it was not a whole one.
void Record::end(std::int64_t now_ns, std::size_t users) {
  turn(now_ns, users);
  ended_ns_ = now_ns;
}

double Record::duration_s() const {
  return std::max(static_cast<double>(ended_ns_ - began_ns_) * 1e-9, 0.001);
}

std::vector<std::pair<std::string, std::uint64_t>> Record::failures_by_kind() const {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const auto& [error, count] : errors_) {
    const auto& [row, what] = error;
    all.emplace_back(row.first + " " + row.second + ": " + what, count);
  }
  std::ranges::stable_sort(all, std::greater(), &decltype(all)::value_type::second);
  return all;
}

const Histogram* Record::row(const std::string& kind, const std::string& name) const {
  for (const auto* rows : {&rows_, &beside_}) {
    if (const auto found = rows->find({kind, name}); found != rows->end()) {
      return &found->second.times;
    }
  }
  return nullptr;
}

std::string Record::json(const Outcome& outcome) const {
  json::array seconds;
  for (const auto& second : seconds_) {
    json::object one{{"second", second.second},
                     {"users", second.users},
                     {"requests", second.requests},
                     {"failures", second.failures},
                     {"limited", second.limited}};
    add_percentiles(one, second.percentiles_ms);
    seconds.push_back(std::move(one));
  }
  json::array errors;
  for (const auto& [error, count] : errors_) {
    const auto& [row, what] = error;
    errors.push_back({{"kind", row.first}, {"name", row.second}, {"what", what}, {"count", count}});
  }
  json::object replicas;
  for (const auto& [name, count] : replicas_) replicas[name] = count;
  json::array facts;
  for (const auto& fact : outcome.facts) {
    facts.push_back({{"name", fact.name}, {"value", fact.value}});
  }
  json::object all{
      {"application", "canvas"},
      {"host", outcome.host},
      {"users", outcome.users},
      {"verdict", verdict_json(outcome.verdict)},
      {"duration_s", std::round(duration_s() * 1000) / 1000},
      {"requests", all_.count()},
      {"requests_per_s", std::round(static_cast<double>(all_.count()) / duration_s() * 10) / 10},
      {"failures", failures_},
      {"limited", limited_}};
  add_percentiles(all, percentiles_ms(all_));
  all["seconds"] = std::move(seconds);
  all["rows"] = rows_json(rows_);
  all["beside"] = rows_json(beside_);
  all["errors"] = std::move(errors);
  all["replicas"] = std::move(replicas);
  all["thresholds"] = thresholds_json(outcome.thresholds);
  all["facts"] = std::move(facts);
  return json::serialize(all);
}

}  // namespace load
