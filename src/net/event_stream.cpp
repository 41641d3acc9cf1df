#include "net/event_stream.hpp"

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/outbox.hpp"
#include "net/worker.hpp"
#include "ops/log.hpp"

namespace net {

namespace {

namespace limits = base::limits;

constexpr std::size_t kDiscardBytes = 256;
// What the client waits before it comes back, when the stream has ended.
constexpr std::string_view kRetry = "retry: 1000\n\n";

const wire::SharedBytes& ping() {
  static const auto bytes = std::make_shared<const std::string>(":\n\n");
  return bytes;
}

/// Kept alive by its coroutine and by waits under way.
class EventStream final : public Connection,
                          public StreamSubscriber,
                          public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(Worker& worker, Socket socket, service::Following following, Admission::Place place)
      : worker_(worker),
        socket_(std::move(socket)),
        outbox_(socket_.native_handle()),
        following_(std::move(following)),
        place_(std::move(place)) {}

  void start(std::string head) {
    worker_.add(*this);
    worker_.streams().add(*this, following_.topic());
    worker_.metrics().streams_open.add();
    worker_.metrics().streams_total.add();
    asio::co_spawn(worker_.io(), run(shared_from_this(), std::move(head)), asio::detached);
  }

  // Connection.
  void sweep(std::int64_t now_ms) override;
  void drain() override { abort(); }  // the client comes back by itself, to another replica
  void abort() override;
  Traffic take_traffic() override {
    return {std::exchange(bytes_received_, 0), outbox_.take_bytes_sent()};
  }

  // StreamSubscriber.
  void keep(const wire::SharedBytes& bytes, std::size_t sent, bool failed) override;
  void miss() override { set_behind(true); }

 private:
  Task<> run(std::shared_ptr<EventStream> self, std::string head);
  void send_newest();
  void settle(Outbox::State state);
  void set_behind(bool behind);

  Worker& worker_;
  Socket socket_;
  Outbox outbox_;
  service::Following following_;
  Admission::Place place_;
  std::uint64_t version_ = 0;  // of the newest event that was sent here
  std::uint64_t bytes_received_ = 0;
  std::int64_t pinged_ms_ = base::steady_ms();
  std::int64_t progress_ms_ = pinged_ms_;  // last byte taken by the client, while blocked_
  bool blocked_ = true;  // waiting until the socket can be written; at first for the head
  bool behind_ = false;  // missed an event
  bool aborted_ = false;
};

Task<> EventStream::run(std::shared_ptr<EventStream>, std::string head) {
  // A smaller buffer in the kernel: what waits there is out of date by the time it is read.
  boost::system::error_code error;
  socket_.set_option(asio::socket_base::send_buffer_size(limits::kSocketSendBufferBytes), error);
  static_cast<void>(outbox_.add(head));
  static_cast<void>(outbox_.add(kRetry));
  std::string().swap(head);
  blocked_ = false;
  set_behind(true);
  settle(outbox_.flush());
  std::array<char, kDiscardBytes> discarded;
  while (!error) {
    auto [failed, size] = co_await socket_.async_read_some(asio::buffer(discarded), kAwait);
    error = failed;
    bytes_received_ += size;
  }
  abort();
  set_behind(false);
  worker_.streams().remove(*this);
  worker_.remove(*this);
  worker_.metrics().streams_open.subtract();
  place_ = {};
}

void EventStream::abort() {
  if (std::exchange(aborted_, true)) return;
  worker_.streams().unfollow(*this);
  outbox_.abandon();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void EventStream::sweep(std::int64_t now_ms) {
  if (aborted_) return;
  if (blocked_ && now_ms - progress_ms_ > limits::kStallMs) return abort();
  if (blocked_ || now_ms - pinged_ms_ < limits::kHeartbeatMs) return;
  pinged_ms_ = now_ms;
  worker_.metrics().frames_control.add();
  settle(outbox_.send(ping()));
}

void EventStream::keep(const wire::SharedBytes& bytes, std::size_t sent, bool failed) {
  if (failed) return abort();
  outbox_.keep(bytes, sent);
  settle(Outbox::State::blocked);
}

void EventStream::set_behind(bool behind) {
  if (behind == behind_) return;
  behind_ = behind;
  behind ? worker_.site().metrics.slow_clients.add()
         : worker_.site().metrics.slow_clients.subtract();
}

/// After every write: waits for room if the socket is full, and follows when it is empty.
void EventStream::settle(Outbox::State state) {
  while (state == Outbox::State::empty && behind_) {
    set_behind(false);
    const auto newest = worker_.streams().newest(*this);
    version_ = newest.version;
    worker_.metrics().frames_catch_up.add();
    state = outbox_.send(newest.bytes);
  }
  if (state == Outbox::State::failed) return abort();
  if (state == Outbox::State::empty) {
    return worker_.streams().follow(*this, socket_.native_handle(), version_);
  }
  worker_.streams().unfollow(*this);
  blocked_ = true;
  progress_ms_ = base::steady_ms();
  socket_.async_wait(Socket::wait_write,
                     [this, self = shared_from_this()](const boost::system::error_code& error) {
                       blocked_ = false;
                       if (!error && !aborted_) settle(outbox_.flush());
                     });
}

}  // namespace

void serve_events(Worker& worker, Socket socket, std::string head, service::Following following,
                  Admission::Place place) {
  std::make_shared<EventStream>(worker, std::move(socket), std::move(following), std::move(place))
      ->start(std::move(head));
}

}  // namespace net
