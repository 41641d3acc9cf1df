#include "ledger/embedded/embedded_ledger.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "ledger/embedded/store.hpp"
#include "sqlite/data_dir.hpp"
#include "sqlite/group_writer.hpp"

namespace ledger {

namespace {

namespace limits = base::limits;

using Values = std::map<std::string, std::int64_t, std::less<>>;

struct Pending {
  counter::Press press;
  OnAnswer on_answer;
};

/// What a batch would change: nothing of it holds before it is committed.
class Changes {
 public:
  Changes(Store& store, const Values& values) : store_(store), values_(values) {}

  counter::Answer decide(const counter::Press& press) {
    if (press.key.empty()) return apply(press);
    if (const auto before = find(press.key)) {
      const bool same = before->name == press.name && before->verb == press.verb;
      return same ? before->answer : counter::Refused{.reason = counter::Refusal::key_reused};
    }
    auto answer = apply(press);
    keys_.emplace(press.key, Keyed{press.name, press.verb, answer});
    return answer;
  }

  void write(std::int64_t now_ms) {
    for (const auto& [name, value] : changed_) store_.put_counter(name, value);
    for (const auto& [key, keyed] : keys_) store_.put_key(key, keyed, now_ms);
    if (!keys_.empty()) store_.forget_keys(now_ms - limits::kKeyKeepMs);
  }

  [[nodiscard]] bool empty() const { return changed_.empty() && keys_.empty(); }
  [[nodiscard]] const Values& changed() const { return changed_; }

 private:
  counter::Answer apply(const counter::Press& press) {
    const auto changed = changed_.find(press.name);
    const auto known = values_.find(press.name);
    const bool is_new = changed == changed_.end() && known == values_.end();
    if (is_new && values_.size() + added_ >= limits::kCountersMax) {
      return counter::Refused{.reason = counter::Refusal::too_many_counters};
    }
    auto value = std::int64_t{0};
    if (changed != changed_.end()) {
      value = changed->second;
    } else if (known != values_.end()) {
      value = known->second;
    }
    auto answer = counter::pressed(press.verb, value);
    if (const auto* counted = std::get_if<counter::Counted>(&answer)) {
      added_ += is_new ? 1 : 0;
      changed_.insert_or_assign(press.name, counted->value);
    }
    return answer;
  }

  std::optional<Keyed> find(const std::string& key) {
    const auto found = keys_.find(key);
    if (found != keys_.end()) return found->second;
    return store_.find_key(key);
  }

  Store& store_;
  const Values& values_;
  Values changed_;
  std::map<std::string, Keyed> keys_;
  std::size_t added_ = 0;
};

class Embedded final : public Ledger {
 public:
  explicit Embedded(EmbeddedOptions options)
      : options_(std::move(options)),
        writer_(limits::kLedgerQueueMax, limits::kLedgerBatchMax, work()) {}
  ~Embedded() override { stop(); }

  base::Status start(Events events) override;
  void press(counter::Press press, OnAnswer on_answer) override;
  [[nodiscard]] base::Health health() const override { return writer_.health(); }
  void stop() override;

 private:
  using Writer = sqlite::GroupWriter<Pending>;

  Writer::Work work();
  bool write(std::span<Pending> pending);
  void publish(const Values& changed);
  [[nodiscard]] std::int64_t now_ms() const {
    return options_.now_ms ? options_.now_ms() : base::wall_ms();
  }

  const EmbeddedOptions options_;
  Events events_;
  std::optional<sqlite::DataDir> data_dir_;
  std::unique_ptr<Store> store_;  // the writer's, once it runs
  Values values_;                 // durable; the writer's
  std::mutex stop_mutex_;         // one stop() at a time
  Writer writer_;
};

Embedded::Writer::Work Embedded::work() {
  return {.write = [this](std::span<Pending> batch) { return write(batch); },
          .probe = [this] { store_->probe(); },
          .finish = [this] { store_->database().truncate_log(); },
          .fail = [](Pending& pending) { pending.on_answer(unavailable()); },
          .on_fatal = [this](const std::string& why) { events_.on_fatal(why); }};
}

base::Status Embedded::start(Events events) {
  events_ = std::move(events);
  try {
    data_dir_.emplace(options_.data_dir);
    store_ = std::make_unique<Store>(data_dir_->file("counter.db"));
    values_ = store_->counters();
  } catch (const std::exception& error) {
    store_.reset();
    data_dir_.reset();
    return base::Error{"the ledger in " + options_.data_dir + " cannot start: " + error.what()};
  }
  std::vector<Counter> counters;
  for (const auto& [name, value] : values_) counters.push_back({name, value});
  events_.on_loaded(counters);
  writer_.start();
  return base::Done{};
}

void Embedded::press(counter::Press press, OnAnswer on_answer) {
  Pending pending{std::move(press), std::move(on_answer)};
  const auto queued = writer_.put(pending);
  if (queued == sqlite::Queued::full) pending.on_answer(busy());
  if (queued == sqlite::Queued::closed) pending.on_answer(unavailable());
}

bool Embedded::write(std::span<Pending> pending) {
  const auto begin_ns = base::steady_ns();
  std::vector<counter::Answer> answers;
  answers.reserve(pending.size());
  Changes changes(*store_, values_);
  {
    sqlite::Transaction transaction(store_->database());
    for (const auto& [press, on_answer] : pending) answers.push_back(changes.decide(press));
    changes.write(now_ms());
    if (!changes.empty()) transaction.commit();
  }
  publish(changes.changed());
  if (!changes.empty()) {
    const auto seconds = static_cast<double>(base::steady_ns() - begin_ns) * 1e-9;
    events_.on_batch(pending.size(), seconds);
  }
  for (std::size_t i = 0; i < pending.size(); ++i) pending[i].on_answer(answers[i]);
  return !changes.empty();
}

void Embedded::publish(const Values& changed) {
  if (changed.empty()) return;
  std::vector<Counter> counters;
  for (const auto& [name, value] : changed) {
    counters.push_back({name, value});
    values_.insert_or_assign(name, value);
  }
  events_.on_changed(counters);
}

void Embedded::stop() {
  const std::lock_guard one_at_a_time(stop_mutex_);
  writer_.stop();
  store_.reset();
  data_dir_.reset();
}

}  // namespace

std::unique_ptr<Ledger> make_embedded(EmbeddedOptions options) {
  return std::make_unique<Embedded>(std::move(options));
}

}  // namespace ledger
