// bench_commits: the bar for durable placements. The same tables, settings and statements as the
// embedded journal's, in one loop without threads or sockets, with one commit for each placement.
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "bench/support.hpp"
#include "canvas/digest.hpp"
#include "journal/embedded/store.hpp"
#include "sqlite/database.hpp"

namespace {

constexpr canvas::Size kSize{1000, 1000};
constexpr std::uint32_t kPeople = 4'000;
constexpr std::int64_t kWarmUpNs = bench::seconds(1);

/// What the journal does for one accepted placement, alone in its transaction.
class Committer {
 public:
  explicit Committer(const std::string& path) : store_(path), heads_(kSize) {}

  void place() {
    const base::PersonId person{-1 - std::int64_t{random_.below(kPeople)}};
    const base::ProducerId producer{static_cast<std::uint64_t>(-base::number(person))};
    sqlite::Transaction transaction(store_.database());
    full_at_ms_ = store_.full_at_ms(person);
    auto window = store_.window(person, producer);
    entry_.offset += 1;
    entry_.time_ms = base::wall_ms();
    entry_.person = person;
    entry_.x = static_cast<std::uint16_t>(random_.below(kSize.width));
    entry_.y = static_cast<std::uint16_t>(random_.below(kSize.height));
    entry_.color = static_cast<std::uint8_t>(random_.below(32));
    entry_.digest = canvas::next_digest(entry_.digest, entry_);
    window.remember({window.last_sequence() + 1, entry_.offset, {}});
    store_.add_entry(entry_, heads_.at(entry_.x, entry_.y));
    store_.put_person(person, "Guest 1234", full_at_ms_);
    store_.put_window(person, producer, window, entry_.time_ms);
    transaction.commit();
    heads_.set(entry_.x, entry_.y, entry_.offset);
  }

  [[nodiscard]] std::uint64_t committed() const { return entry_.offset; }

 private:
  journal::Store store_;
  journal::Heads heads_;
  bench::Random random_{20};
  canvas::Entry entry_;
  std::int64_t full_at_ms_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto dir = options.text("dir", "");
  const auto run_ns = bench::seconds(static_cast<double>(options.number("seconds", 10)));
  options.finish();
  if (dir.empty()) bench::fail("--dir=… must name an empty folder");

  Committer committer(dir + "/journal.db");
  const auto run_for = [&](std::int64_t limit_ns) {
    const auto start_ns = base::steady_ns();
    while (base::steady_ns() - start_ns < limit_ns) committer.place();
    return static_cast<double>(base::steady_ns() - start_ns) / 1e9;
  };
  run_for(kWarmUpNs);
  const auto before = committer.committed();
  const auto took_s = run_for(run_ns);
  const auto committed = static_cast<double>(committer.committed() - before);
  bench::Report().add("commits_per_second", committed / took_s).print();
}
