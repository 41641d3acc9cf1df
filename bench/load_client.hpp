// A load generator: thousands of WebSocket clients of docs/protocol.md on one epoll loop, with
// their own small framing, so that they cost little beside the server that they drive.
//
//     struct Watcher : bench::Listener { void on_delta(bench::Client&, std::string_view) … };
//     Watcher watcher;
//     bench::Swarm swarm({.ports = {8000}}, watcher);
//     for (int i = 0; i < 1000; ++i) swarm.open({.token = …, .producer = …});
//     swarm.run_until([&] { return swarm.ready() == 1000; }, bench::seconds(30));
//
// Single-threaded: a swarm, its clients and its listener belong to the thread that runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/protocol.hpp"

namespace bench {

struct Endpoint {
  std::string address = "127.0.0.1";       // numeric IPv4
  std::vector<std::uint16_t> ports{8000};  // of several servers: clients take turns
};

/// What a client does once connected, besides `hello`.
struct ClientOptions {
  bool live = true;   // resume at the welcome's position and receive every delta
  std::string token;  // sign in with it, unless empty
  base::ProducerId producer{};
};

class Swarm;

/// One connection. Owned by its swarm; stays valid, also when closed, as long as the swarm lives.
class Client {
 public:
  /// Queues one `place` and returns its sequence; queued messages leave together at the end of the
  /// turn of the loop. The caller keeps to the protocol's limit of unanswered placements.
  std::uint32_t place(std::uint16_t x, std::uint16_t y, std::uint8_t color);

  [[nodiscard]] std::size_t index() const { return index_; }  // in order of Swarm::open
  /// Which of the endpoint's ports it is connected to.
  [[nodiscard]] std::size_t server() const;
  [[nodiscard]] bool ready() const { return state_ == State::ready; }
  [[nodiscard]] unsigned unanswered() const { return unanswered_; }
  [[nodiscard]] const wire::Welcome& welcome() const { return welcome_; }

 private:
  friend class Swarm;
  enum class State : std::uint8_t { waiting, connecting, upgrading, greeting, ready, closed };

  Client(Swarm& swarm, std::size_t index, ClientOptions options);
  void queue(const wire::ClientMessage& message);
  void queue(std::uint8_t opcode, std::string_view payload);

  Swarm& swarm_;
  const std::size_t index_;
  const ClientOptions options_;
  State state_ = State::waiting;
  bool awaits_delta_ = false;  // answers still missing before the client is ready
  bool awaits_sign_in_ = false;
  bool dirty_ = false;  // in the swarm's list of clients with something to send
  bool watches_writable_ = true;
  int socket_ = -1;
  unsigned unanswered_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t mask_ = 0;
  wire::Welcome welcome_;
  std::string in_;   // the beginning of a frame whose rest has not come
  std::string out_;  // bytes that the socket has not taken
};

/// What a test does with what its clients see. A method may queue placements.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_ready(Client&) {}
  /// `message` is still encoded (wire::decode_server reads it): most loads only count deltas.
  virtual void on_delta(Client&, std::string_view message) { (void)message; }
  virtual void on_accepted(Client&, const wire::AcceptedMessage&) {}
  virtual void on_refused(Client&, const wire::RefusedMessage&) {}
  /// `code` is the server's close code, 1006 if the connection just ended.
  virtual void on_closed(Client&, unsigned code) { (void)code; }
};

struct SwarmCounters {
  std::uint64_t frames = 0;  // data frames received by all clients, all kinds
  std::uint64_t deltas = 0;
  std::uint64_t bytes = 0;
  std::map<unsigned, std::uint64_t> closed;  // by close code
};

class Swarm {
 public:
  /// `listener` outlives the swarm.
  Swarm(Endpoint endpoint, Listener& listener);
  ~Swarm();  // resets every connection
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  /// Adds a client; it connects when the loop runs, at most kConnectingMax at a time.
  Client& open(ClientOptions options);

  /// Runs the loop until `done` holds or `limit_ns` have passed; says whether `done` holds. `done`
  /// is asked after every turn, and at least every `turn_ms`.
  bool run_until(const std::function<bool()>& done, std::int64_t limit_ns, int turn_ms = 5);

  [[nodiscard]] Client& client(std::size_t index) { return *clients_[index]; }
  [[nodiscard]] std::size_t ready() const { return ready_; }
  [[nodiscard]] std::size_t closed() const { return closed_; }
  [[nodiscard]] const SwarmCounters& counters() const { return counters_; }

 private:
  friend class Client;
  static constexpr std::size_t kConnectingMax = 128;

  void turn(int wait_ms);
  void start_waiting();
  void connect(Client& client);
  void on_writable(Client& client);
  void on_readable(Client& client);
  std::size_t take_upgrade(Client& client, std::string_view bytes);
  std::size_t take_frame(Client& client, std::string_view bytes);
  void on_message(Client& client, std::string_view message);
  void on_welcome(Client& client, wire::Welcome welcome);
  void on_control(Client& client, unsigned opcode, std::string_view payload);
  void settle(Client& client);
  void flush(Client& client);
  void close(Client& client, unsigned code);

  const Endpoint endpoint_;
  Listener& listener_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Client*> waiting_;  // not yet connecting
  std::vector<Client*> dirty_;   // with something to send
  std::string scratch_;          // where the sockets are read to
  std::size_t connecting_ = 0;   // between connect() and ready
  std::size_t ready_ = 0;
  std::size_t closed_ = 0;
  SwarmCounters counters_;
};

}  // namespace bench
