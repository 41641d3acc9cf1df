// bench_idle: connects clients, brings them all live, says so on standard output, and keeps them
// until standard input ends. Whoever runs it looks at the server's memory meanwhile.
#include <poll.h>
#include <unistd.h>

#include <cstdint>

#include "bench/support.hpp"
#include "load/swarm.hpp"

namespace {

/// Whether standard input has ended or has something to say, without waiting.
bool told_to_stop() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto clients = static_cast<std::size_t>(options.number("clients", 10'000));
  const auto ports = options.ports();
  options.finish();
  if (load::raise_file_limit() < clients + 16) bench::fail("the limit of open files is too low");

  load::Listener listener;
  load::Swarm swarm(load::loopback(ports), listener);
  for (std::size_t i = 0; i < clients; ++i) swarm.open({});
  const auto all_live = [&] { return swarm.ready() == clients || swarm.closed() > 0; };
  if (!swarm.run_until(all_live, bench::seconds(120)) || swarm.closed() > 0) {
    bench::fail("not every client came live");
  }
  bench::Report().add("clients", static_cast<double>(swarm.ready())).print();
  swarm.run_until(told_to_stop, bench::seconds(600), 100);
  if (swarm.closed() > 0) bench::fail("clients were closed while idle");
}
