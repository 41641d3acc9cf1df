// Our side of the fan-out: the product's own server, hub and connections on one network thread,
// with a feed that the benchmark fills instead of a journal.
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "auth/token.hpp"
#include "bench/fanout.hpp"
#include "bench/support.hpp"
#include "canvas/palette.hpp"
#include "loop/event_loop.hpp"
#include "net/address.hpp"
#include "net/server.hpp"
#include "net/static_files.hpp"
#include "ops/metrics.hpp"
#include "service/router.hpp"
#include "wire/protocol.hpp"

namespace bench {

namespace {

constexpr int kTickMsMax = 200;

/// One tick at a time: put() waits until the one before has been taken. Thread-safe.
class OneTickFeed final : public service::Feed {
 public:
  void put(const std::string& message) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [this] { return !waiting_; });
    waiting_ = service::Tick{offset_, offset_ + 1, wire::shared_frame(message)};
    ++offset_;
  }

  std::optional<service::Tick> take_tick() override {
    const std::lock_guard lock(mutex_);
    taken_.notify_one();
    return std::exchange(waiting_, std::nullopt);
  }

  std::vector<wire::SharedBytes> take_notices() override { return {}; }

  wire::SharedBytes catch_up(std::uint64_t from, std::uint64_t to) override {
    // All clients come live before the first tick. One that has to catch up later was too slow, and
    // then frames are missing and the run fails.
    wire::Delta delta;
    delta.base = from;
    delta.advance = static_cast<std::uint32_t>(to - from);
    return wire::shared_frame(wire::encode(delta, 5));
  }
  wire::SharedBytes too_far_behind() override { fail("a client fell behind: lower the rate"); }
  wire::SharedBytes presence(std::uint32_t online) override {
    return wire::shared_frame(wire::encode(wire::Presence{online}));
  }
  wire::SharedBytes draining(std::uint32_t reconnect_ms) override {
    return wire::shared_frame(
        wire::encode(wire::Notice{wire::NoticeKind::draining, reconnect_ms, ""}));
  }

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::uint64_t offset_ = 0;
  std::optional<service::Tick> waiting_;
};

/// Says what a client needs to hear to come live.
class Greeter final : public service::Conversation {
 public:
  Greeter(service::Outlet& outlet, std::atomic<std::size_t>& live) : outlet_(outlet), live_(live) {}

  void on_message(std::string_view message) override {
    const auto decoded = wire::decode_client(message);
    if (!decoded) fail("a client sent something malformed");
    if (std::holds_alternative<wire::Hello>(*decoded)) {
      wire::Welcome welcome;
      welcome.width = 1000;
      welcome.height = 1000;
      welcome.palette.assign(canvas::kDefaultPalette.begin(), canvas::kDefaultPalette.end());
      outlet_.send(wire::encode(welcome));
      outlet_.greet();
    } else if (std::holds_alternative<wire::Resume>(*decoded)) {
      outlet_.go_live(0);
      live_.fetch_add(1);
      live_.notify_one();
    }
  }
  [[nodiscard]] bool settled() const override { return true; }

 private:
  service::Outlet& outlet_;
  std::atomic<std::size_t>& live_;
};

net::ServerOptions server_options() {
  net::ServerOptions options;
  options.host = "127.0.0.1";
  options.connections_max = 100'000;
  options.tick_ms_max = kTickMsMax;
  return options;
}

template <class T>
T value_of(base::Result<T> result) {
  if (!result.ok()) fail(result.error().message);
  return std::move(result).value();
}

class OurServer final : public FanoutServer {
 public:
  OurServer() : server_(site_, server_options(), {&loop_}) {
    value_of(server_.listen());
    server_.start();
  }
  ~OurServer() override { server_.stop(); }

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }

  void await(std::size_t clients) override {
    for (auto live = live_.load(); live < clients; live = live_.load()) live_.wait(live);
  }

  void publish(const std::string& message) override {
    feed_.put(message);
    server_.wake();
  }

 private:
  ops::CanvasMetrics metrics_{"bench"};
  auth::TokenSigner tokens_{{"a key of the benchmark"}};
  service::Router router_{{}, tokens_, metrics_};
  net::StaticFiles files_{value_of(net::StaticFiles::load(""))};
  net::Networks proxies_{value_of(net::Networks::parse({}))};
  OneTickFeed feed_;
  std::atomic<std::size_t> live_{0};
  net::Site site_{
      .router = router_,
      .files = files_,
      .served_by = "bench",
      .trusted_proxies = proxies_,
      .metrics = metrics_,
      .websockets = net::WebSockets{
          .path = "/ws",
          .feed = feed_,
          .open_conversation =
              [this](service::Outlet& outlet) { return std::make_unique<Greeter>(outlet, live_); },
          .allowed_origins = {},
          .on_online = [](std::uint32_t here) { return here; }}};
  loop::EventLoop loop_{fail};
  net::Server server_;
};

}  // namespace

std::unique_ptr<FanoutServer> make_our_server() { return std::make_unique<OurServer>(); }

}  // namespace bench
