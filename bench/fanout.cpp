// bench_fanout: what it costs to send frames to many clients. One process is the server, ours or
// the bar; a second one, forked on another core, holds the clients and reads everything. Reports
// the frames that arrived and the CPU time that the server's process spent on them.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "bench/fanout.hpp"
#include "bench/support.hpp"
#include "load/swarm.hpp"
#include "wire/protocol.hpp"

namespace {

/// How the two processes talk: numbers through pipes.
class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_) != 0) bench::fail("no pipe");
  }
  void send(std::uint64_t value) {
    if (::write(ends_[1], &value, sizeof value) != sizeof value) bench::fail("the pipe broke");
  }
  std::uint64_t receive() {
    std::uint64_t value = 0;
    if (::read(ends_[0], &value, sizeof value) != sizeof value) bench::fail("the pipe broke");
    return value;
  }
  [[nodiscard]] bool has_news() const {
    pollfd end{ends_[0], POLLIN, 0};
    return ::poll(&end, 1, 0) > 0;
  }
  /// The side that does not send lets go, so that receive() ends when the sender dies.
  void only_receive() { ::close(ends_[1]); }

 private:
  int ends_[2];
};

struct Load {
  std::size_t clients = 0;
  std::size_t frame_bytes = 0;
  std::int64_t rate = 0;
  std::int64_t frames = 0;  // published while measured
};

/// The client process: connects, says when all are live, is told how many deltas will have come in
/// the end, and says when they have.
int run_clients(const Load& load, std::uint16_t port, Pipe& to_server, Pipe& from_server) {
  load::Listener listener;
  load::Swarm swarm(load::loopback({port}), listener);
  for (std::size_t i = 0; i < load.clients; ++i) swarm.open({});
  const auto all_live = [&] { return swarm.ready() == load.clients || swarm.closed() > 0; };
  if (!swarm.run_until(all_live, bench::seconds(120)) || swarm.closed() > 0) return 1;
  const auto before = swarm.counters().deltas;
  to_server.send(load.clients);

  const auto wanted = static_cast<std::uint64_t>(load.frames) * load.clients;
  const auto all_here = [&] { return swarm.counters().deltas - before >= wanted; };
  const bool complete = swarm.run_until(all_here, bench::seconds(120)) && swarm.closed() == 0;
  to_server.send(complete ? wanted : 0);
  from_server.receive();  // the server has read its clock: closing may cost it nothing now
  return 0;
}

/// A delta message that fills a frame of exactly `frame_bytes` bytes: neighbours in one row.
std::string delta_of(std::size_t frame_bytes) {
  const std::size_t header = frame_bytes <= 127 ? 2 : 4;
  wire::Delta delta;
  const auto empty_bytes = wire::encode(delta, 5).size();
  if (frame_bytes < header + empty_bytes) bench::fail("no frame is that small");
  const auto pixels = frame_bytes - header - empty_bytes;  // one byte each: no gap, five bits
  for (std::uint32_t i = 0; i < pixels; ++i) {
    delta.pixels.push_back({i, static_cast<std::uint8_t>(i % 32)});
  }
  return wire::encode(delta, 5);
}

void run_server(bench::FanoutServer& server, const Load& load, Pipe& to_clients, Pipe& from_clients,
                bench::Report& report) {
  server.await(load.clients);
  from_clients.receive();
  const auto message = delta_of(load.frame_bytes);
  const auto start_ns = base::steady_ns();
  const auto cpu_before_ns = bench::process_cpu_ns();
  for (std::int64_t n = 0; n < load.frames; ++n) {
    const auto due_ns = start_ns + n * 1'000'000'000 / load.rate;
    const auto now_ns = base::steady_ns();
    if (due_ns > now_ns) std::this_thread::sleep_for(std::chrono::nanoseconds(due_ns - now_ns));
    server.publish(message);
  }
  const auto arrived = from_clients.receive();
  const auto cpu_s = static_cast<double>(bench::process_cpu_ns() - cpu_before_ns) / 1e9;
  const auto took_s = static_cast<double>(base::steady_ns() - start_ns) / 1e9;
  to_clients.send(0);
  if (arrived == 0) bench::fail("frames were lost");
  report.add("frames", static_cast<double>(arrived))
      .add("server_cpu_s", cpu_s)
      .add("took_s", took_s)
      .add("frames_per_cpu_second", static_cast<double>(arrived) / cpu_s)
      .add("cpu_us_per_frame", cpu_s * 1e6 / static_cast<double>(arrived));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto side = options.text("server", "ours");
  Load load;
  load.clients = static_cast<std::size_t>(options.number("clients", 1'000));
  load.frame_bytes = static_cast<std::size_t>(options.number("bytes", 64));
  load.rate = options.number("rate", 50);
  load.frames = load.rate * options.number("seconds", 4);
  const auto server_core = static_cast<int>(options.number("server-core", -1));
  const auto client_core = static_cast<int>(options.number("client-core", -1));
  options.finish();
  if (side != "ours" && side != "bare") bench::fail("--server is ours or bare");
  if (load.frames < 1 || load.clients < 1) bench::fail("nothing to measure");
  if (load::raise_file_limit() < load.clients + 64) bench::fail("too few open files allowed");

  // The clients' process is made before the server has threads; it learns the port by a pipe.
  Pipe to_clients;
  Pipe to_server;
  const pid_t child = ::fork();
  if (child < 0) bench::fail("cannot fork");
  if (child == 0) {
    to_clients.only_receive();
    bench::pin_to_core(client_core);
    const auto port = static_cast<std::uint16_t>(to_clients.receive());
    ::_exit(run_clients(load, port, to_server, to_clients));
  }
  to_server.only_receive();
  bench::pin_to_core(server_core);
  const auto server = side == "ours" ? bench::make_our_server() : bench::make_bare_server();
  to_clients.send(server->port());
  bench::Report report;
  report.add("server", side).add("clients", static_cast<double>(load.clients));
  run_server(*server, load, to_clients, to_server, report);
  int status = 0;
  ::waitpid(child, &status, 0);
  report.print();
}
