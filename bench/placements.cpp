// bench_placements: people who place as fast as the limit per person allows, as many placements at
// a time as may be unanswered. Reports the acknowledged (therefore durable) placements a second.
// The players do not watch: what fan-out costs is measured by bench_fanout.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "bench/people.hpp"
#include "bench/support.hpp"
#include "load/swarm.hpp"

namespace {

class Crowd : public load::Listener {
 public:
  Crowd(std::size_t clients, unsigned burst) : burst_(burst), due_ns_(clients) {}

  void on_accepted(load::Client&, const wire::AcceptedMessage&) override { ++accepted; }
  void on_refused(load::Client&, const wire::RefusedMessage&) override { ++refused; }

  /// Everyone's first burst falls at a random moment of the first interval.
  void start(std::int64_t now_ns) {
    for (auto& due_ns : due_ns_) due_ns = now_ns + random_.below(1000) * kIntervalNs(burst_) / 1000;
  }

  /// Lets everyone place whose turn has come and whose placements before are answered.
  void place_due(load::Swarm& swarm, std::int64_t now_ns) {
    for (std::size_t i = 0; i < due_ns_.size(); ++i) {
      auto& client = swarm.client(i);
      if (due_ns_[i] > now_ns || client.unanswered() > 0) continue;
      // From now, not from when it was due: nobody catches up in a burst over the limit.
      due_ns_[i] = now_ns + kIntervalNs(burst_);
      const auto& welcome = client.welcome();
      for (unsigned n = 0; n < burst_; ++n) {
        client.place(static_cast<std::uint16_t>(random_.below(welcome.width)),
                     static_cast<std::uint16_t>(random_.below(welcome.height)),
                     static_cast<std::uint8_t>(random_.below(32) % welcome.palette.size()));
      }
    }
  }

  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;

 private:
  /// A little slower than the server's limit per person.
  static constexpr std::int64_t kIntervalNs(unsigned burst) {
    return static_cast<std::int64_t>(1.1e9 * burst / base::limits::kRequestsPerPersonPerSecond);
  }

  const unsigned burst_;
  bench::Random random_{20};
  std::vector<std::int64_t> due_ns_;  // by client
};

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto clients = static_cast<std::size_t>(options.number("clients", 6'600));
  const auto burst = static_cast<unsigned>(options.number("burst", base::limits::kUnansweredMax));
  const auto run_ns = bench::seconds(static_cast<double>(options.number("seconds", 10)));
  const auto run = static_cast<std::uint32_t>(options.number("run", 1));
  const auto ports = options.ports();
  options.finish();
  if (burst == 0 || burst > base::limits::kUnansweredMax) bench::fail("burst is 1 to 8");
  if (load::raise_file_limit() < clients + 16) bench::fail("the limit of open files is too low");

  const bench::People people;
  Crowd crowd(clients, burst);
  load::Swarm swarm(load::loopback(ports), crowd);
  for (std::size_t i = 0; i < clients; ++i) swarm.open(people.client(run, i, false));
  const auto all_ready = [&] { return swarm.ready() == clients || swarm.closed() > 0; };
  if (!swarm.run_until(all_ready, bench::seconds(60)) || swarm.closed() > 0) {
    bench::fail("not every client could sign in");
  }

  crowd.start(base::steady_ns());
  const auto keep_placing = [&] {
    crowd.place_due(swarm, base::steady_ns());
    return swarm.closed() > 0;
  };
  swarm.run_until(keep_placing, bench::seconds(1), 1);  // warm up
  const auto accepted_before = crowd.accepted;
  const auto start_ns = base::steady_ns();
  if (swarm.run_until(keep_placing, run_ns, 1)) bench::fail("clients were closed under load");
  const auto took_s = static_cast<double>(base::steady_ns() - start_ns) / 1e9;
  const auto accepted = static_cast<double>(crowd.accepted - accepted_before);
  bench::Report()
      .add("accepted_per_second", accepted / took_s)
      .add("refused", static_cast<double>(crowd.refused))
      .add("offered_per_second",
           static_cast<double>(clients) * base::limits::kRequestsPerPersonPerSecond / 1.1)
      .print();
}
