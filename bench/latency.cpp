// bench_latency: clients that all watch the canvas while some of them place pixels at a steady
// total rate. Reports how long after a placement was sent each other client saw it; of several
// servers, each client of another one.
#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "bench/people.hpp"
#include "bench/support.hpp"
#include "canvas/palette.hpp"
#include "load/swarm.hpp"

namespace {

/// Places each pixel of the canvas at most once, in a scattered order, and remembers when: the
/// index in a delta then tells which placement it is.
class Watch : public load::Listener {
 public:
  explicit Watch(std::size_t servers) : servers_(servers) {}

  void on_delta(load::Client& client, std::string_view message) override {
    const auto now_ns = base::steady_ns();
    const auto bits = canvas::color_bits(client.welcome().palette.size());
    const auto decoded = wire::decode_server(message, bits);
    if (!decoded) return;
    for (const auto& pixel : std::get<wire::Delta>(*decoded).pixels) see(client, pixel, now_ns);
  }
  void on_accepted(load::Client&, const wire::AcceptedMessage&) override { ++accepted; }
  void on_refused(load::Client&, const wire::RefusedMessage&) override { ++refused; }

  /// Lets `client` place the next pixel.
  void place(load::Client& client) {
    const auto& welcome = client.welcome();
    if (sent_.empty()) sent_.resize(std::size_t{welcome.width} * welcome.height);
    // A step that shares no factor with any area of sides that are powers of two times five.
    next_ = (next_ + 611'953) % sent_.size();
    sent_[next_] = {base::steady_ns(), client.index(), client.server()};
    client.place(static_cast<std::uint16_t>(next_ % welcome.width),
                 static_cast<std::uint16_t>(next_ / welcome.width),
                 static_cast<std::uint8_t>(placed++ % welcome.palette.size()));
  }

  std::uint64_t placed = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::vector<double> seen_ms;

 private:
  struct Sent {
    std::int64_t at_ns = 0;
    std::size_t by = 0;
    std::size_t server = 0;
  };

  void see(const load::Client& client, const canvas::PixelChange& pixel, std::int64_t now_ns) {
    if (pixel.index >= sent_.size()) return;
    const auto& sent = sent_[pixel.index];
    if (sent.at_ns == 0 || sent.by == client.index()) return;
    if (servers_ > 1 && sent.server == client.server()) return;
    seen_ms.push_back(static_cast<double>(now_ns - sent.at_ns) / 1e6);
  }

  const std::size_t servers_;
  std::vector<Sent> sent_;  // by pixel index
  std::size_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto clients = static_cast<std::size_t>(options.number("clients", 1'000));
  const auto placers = static_cast<std::size_t>(options.number("placers", 100));
  const auto rate = options.number("rate", 100);
  const auto run_ns = bench::seconds(static_cast<double>(options.number("seconds", 15)));
  const auto run = static_cast<std::uint32_t>(options.number("run", 1));
  const auto ports = options.ports();
  options.finish();
  if (placers == 0 || placers > clients) bench::fail("placers must be among the clients");
  if (load::raise_file_limit() < clients + 16) bench::fail("the limit of open files is too low");

  const bench::People people;
  Watch watch(ports.size());
  load::Swarm swarm(load::loopback(ports), watch);
  for (std::size_t i = 0; i < clients; ++i) swarm.open(people.client(run, i, true));
  const auto all_live = [&] { return swarm.ready() == clients || swarm.closed() > 0; };
  if (!swarm.run_until(all_live, bench::seconds(60)) || swarm.closed() > 0) {
    bench::fail("not every client came live");
  }

  // Placement n is due at n / rate seconds, whatever became of those before it.
  const auto start_ns = base::steady_ns();
  const auto never = [&] {
    const auto due = (base::steady_ns() - start_ns) * rate / 1'000'000'000;
    while (watch.placed < static_cast<std::uint64_t>(due)) {
      watch.place(swarm.client(watch.placed % placers));
    }
    return false;
  };
  swarm.run_until(never, run_ns, 1);
  const auto watchers = ports.size() == 1 ? clients - 1 : clients - clients / ports.size();
  const auto all_seen = [&] { return watch.seen_ms.size() >= watch.placed * watchers; };
  if (!swarm.run_until(all_seen, bench::seconds(10)) || swarm.closed() > 0) {
    bench::fail("not every client saw every accepted pixel; refused: " +
                std::to_string(watch.refused));
  }

  std::sort(watch.seen_ms.begin(), watch.seen_ms.end());
  bench::Report()
      .add("placed", static_cast<double>(watch.placed))
      .add("seen", static_cast<double>(watch.seen_ms.size()))
      .add("p50_ms", bench::quantile(watch.seen_ms, 0.50))
      .add("p99_ms", bench::quantile(watch.seen_ms, 0.99))
      .add("max_ms", bench::quantile(watch.seen_ms, 1.0))
      .print();
}
