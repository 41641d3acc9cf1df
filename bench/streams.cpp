// bench_streams: clients that follow the counter's live value while it is incremented at a steady
// rate, over a few connections besides. Reports how many events they were told, and how many of
// them had not been told the last value some seconds after it.
//
//   --port=…  --clients=…  --rate=…  --seconds=…
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "bench/support.hpp"
#include "load/address.hpp"

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kEventsMax = 256;
constexpr std::size_t kPressers = 16;  // enough for the rate while each waits for its answer
constexpr std::int64_t kFollowLimitNs = bench::seconds(120);
constexpr std::int64_t kPressLimitNs = bench::seconds(300);
constexpr std::int64_t kLastValueLimitNs = bench::seconds(10);
constexpr std::string_view kValue = "{\"value\":";

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) bench::fail("no more sockets");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The address of a sockaddr_in is the address of a sockaddr by the socket interface's design.
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::connect(socket, generic, sizeof address) != 0) bench::fail("cannot connect");
  return socket;
}

void send_all(int socket, std::string_view bytes) {
  const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) bench::fail("a request could not be sent");
}

/// The n of `{"value":n}`, with which `text` begins.
std::int64_t value_in(std::string_view text) {
  const auto digits = text.substr(0, text.find('}'));
  const auto value = digits.starts_with(kValue)
                         ? base::parse_number<std::int64_t>(digits.substr(kValue.size()))
                         : std::nullopt;
  if (!value) bench::fail("not a value: " + std::string(text));
  return *value;
}

struct Follower {
  int socket = -1;
  std::int64_t value = -1;  // the newest it was told; -1: none yet
  std::string part;         // the beginning of a line whose rest has not come
};

/// All clients that follow, on one epoll loop.
class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t clients)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), followers_(clients), scratch_(kReadBytes, '\0') {
    for (auto& follower : followers_) {
      follower.socket = connect_to(port);
      send_all(follower.socket, "GET /api/counter/events HTTP/1.1\r\nHost: bench\r\n\r\n");
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &follower;
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, follower.socket, &event) != 0) {
        bench::fail("epoll_ctl failed");
      }
    }
  }
  ~Crowd() {
    for (const auto& follower : followers_) ::close(follower.socket);
    ::close(epoll_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Reads what comes until `done()` holds or `limit_ns` have passed.
  template <typename Done>
  void read_until(const Done& done, std::int64_t limit_ns) {
    const auto end_ns = base::steady_ns() + limit_ns;
    while (!done() && base::steady_ns() < end_ns) turn();
  }

  [[nodiscard]] std::uint64_t events() const { return events_; }

  /// How many have not been told this value or a newer one.
  [[nodiscard]] std::size_t behind(std::int64_t value) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(followers_, [&](const auto& one) { return one.value < value; }));
  }

 private:
  void turn() {
    epoll_event ready[kEventsMax];
    const int count = ::epoll_wait(epoll_, ready, kEventsMax, 5);
    for (int i = 0; i < count; ++i) read(*static_cast<Follower*>(ready[i].data.ptr));
  }

  void read(Follower& follower) {
    const auto count = ::recv(follower.socket, scratch_.data(), scratch_.size(), MSG_DONTWAIT);
    if (count <= 0) bench::fail("a stream has ended");
    std::string_view bytes(scratch_.data(), static_cast<std::size_t>(count));
    std::string joined;
    if (!follower.part.empty()) {
      joined = follower.part.append(bytes);
      bytes = joined;
    }
    for (auto end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
      take(follower, bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    }
    follower.part = bytes;
  }

  void take(Follower& follower, std::string_view line) {
    constexpr std::string_view kData = "data: ";
    if (!line.starts_with(kData)) return;
    const auto value = value_in(line.substr(kData.size()));
    if (value < follower.value) bench::fail("a stream went back to an older value");
    follower.value = value;
    ++events_;
  }

  const int epoll_;
  std::vector<Follower> followers_;
  std::string scratch_;  // where the sockets are read to
  std::uint64_t events_ = 0;
};

/// The increments: press n is due at n / rate seconds, or as soon as a connection is free.
class Pressers {
 public:
  Pressers(std::uint16_t port, std::int64_t rate, std::int64_t presses)
      : rate_(rate), presses_(presses) {
    for (std::size_t i = 0; i < kPressers; ++i) {
      threads_.emplace_back([this, port] { press_all(port); });
    }
  }

  [[nodiscard]] bool done() const { return running_ == 0; }
  /// What the last of them counted up to.
  [[nodiscard]] std::int64_t value() const { return value_; }

 private:
  void press_all(std::uint16_t port) {
    const int socket = connect_to(port);
    for (auto mine = next_++; mine < presses_; mine = next_++) {
      const auto due = std::chrono::nanoseconds(1'000'000'000) * mine / rate_;
      std::this_thread::sleep_until(start_ + due);
      const auto counted = press(socket);
      for (auto seen = value_.load(); seen < counted;) {
        if (value_.compare_exchange_weak(seen, counted)) break;
      }
    }
    ::close(socket);
    --running_;
  }

  static std::int64_t press(int socket) {
    send_all(socket,
             "POST /api/counter/increment HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n");
    std::string answer;
    char bytes[1024];
    while (!answer.ends_with('}')) {
      const auto count = ::recv(socket, bytes, sizeof bytes, 0);
      if (count <= 0) bench::fail("a press was not answered");
      answer.append(bytes, static_cast<std::size_t>(count));
    }
    return value_in(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4));
  }

  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const std::int64_t rate_;
  const std::int64_t presses_;
  std::atomic<std::int64_t> next_{0};
  std::atomic<std::int64_t> value_{0};
  std::atomic<std::size_t> running_{kPressers};
  std::vector<std::jthread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto clients = static_cast<std::size_t>(options.number("clients", 10'000));
  const auto rate = options.number("rate", 1'000);
  const auto presses = rate * options.number("seconds", 10);
  const auto port = options.ports().front();
  options.finish();
  if (load::raise_file_limit() < clients + kPressers + 16) {
    bench::fail("the limit of open files is too low");
  }

  Crowd crowd(port, clients);
  crowd.read_until([&] { return crowd.behind(0) == 0; }, kFollowLimitNs);
  if (crowd.behind(0) > 0) bench::fail("not every client follows");

  const auto events_before = crowd.events();
  const auto start_ns = base::steady_ns();
  const Pressers pressers(port, rate, presses);
  crowd.read_until([&] { return pressers.done(); }, kPressLimitNs);
  const auto took_s = static_cast<double>(base::steady_ns() - start_ns) / 1e9;
  const auto events = crowd.events() - events_before;
  if (!pressers.done()) bench::fail("the presses take too long");

  const auto last = pressers.value();
  crowd.read_until([&] { return crowd.behind(last) == 0; }, kLastValueLimitNs);
  bench::Report()
      .add("presses_per_second", static_cast<double>(presses) / took_s)
      .add("events_per_second", static_cast<double>(events) / took_s)
      .add("stale_clients", static_cast<double>(crowd.behind(last)))
      .print();
}
