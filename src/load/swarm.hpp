// Thousands of WebSocket clients of docs/protocol.md on one epoll loop, with their own small
// framing, so that they cost little beside the server that they drive.
//
//     struct Watcher : load::Listener { void on_delta(load::Client&, std::string_view) … };
//     Watcher watcher;
//     load::Swarm swarm(load::loopback({8000}), watcher);
//     for (int i = 0; i < 1000; ++i) swarm.open({.token = …, .producer = …});
//     swarm.run_until([&] { return swarm.ready() == 1000; }, 30'000'000'000);
//
// Single-threaded: a swarm, its clients and its listener belong to the thread that runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "canvas/standing.hpp"
#include "load/address.hpp"
#include "wire/protocol.hpp"

namespace load {

/// What a client does once connected, besides `hello`.
struct ClientOptions {
  bool live = true;   // resume, and receive every delta
  std::string token;  // sign in with it, unless empty
  base::ProducerId producer{};
};

class Swarm;

/// One connection after the other. Owned by its swarm; stays valid, also when closed, as long as
/// the swarm lives.
class Client {
 public:
  /// Queues a message; queued messages leave together at the end of the turn of the loop.
  void send(const wire::ClientMessage& message);
  /// Queues one `place` and returns its sequence. The caller keeps to the protocol's limit of
  /// unanswered placements.
  std::uint32_t place(std::uint16_t x, std::uint16_t y, std::uint8_t color);

  [[nodiscard]] std::size_t index() const { return index_; }  // in order of Swarm::open
  /// Which of the endpoint's addresses it connects to.
  [[nodiscard]] std::size_t server() const;
  [[nodiscard]] bool ready() const { return state_ == State::ready; }
  [[nodiscard]] bool connected() const { return socket_ >= 0; }
  [[nodiscard]] unsigned unanswered() const { return unanswered_; }
  [[nodiscard]] const wire::Welcome& welcome() const { return welcome_; }
  /// When the last byte came, or the connection was begun.
  [[nodiscard]] std::int64_t heard_ns() const { return heard_ns_; }

 private:
  friend class Swarm;
  enum class State : std::uint8_t { waiting, connecting, upgrading, greeting, ready, closed };

  Client(Swarm& swarm, std::size_t index, ClientOptions options);
  void queue(std::uint8_t opcode, std::string_view payload);
  static std::string upgrade(const std::string& authority);

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
  std::int64_t heard_ns_ = 0;
  wire::Welcome welcome_;
  std::string in_;   // the beginning of a frame whose rest has not come
  std::string out_;  // bytes that the socket has not taken
};

/// Why a connection ended.
struct Ending {
  enum class Kind : std::uint8_t {
    not_connected,    // nobody answers there, or this machine has no socket left: `code` is errno
    refused,          // the upgrade: `code` is the HTTP status
    lost,             // without a close frame
    closed,           // by the server: `code` is its close code
    malformed,        // something came that is no frame or no message of the protocol
    snapshot_needed,  // the server does not know what the client stands at
    sign_in_refused,  // `code` is the reason
    dropped,          // by Swarm::drop
  };
  Kind kind = Kind::lost;
  unsigned code = 0;
  unsigned retry_after_s = 0;  // as the refusal says
};

/// What a load does with what its clients see. A method may queue messages, drop and reopen.
class Listener {
 public:
  virtual ~Listener() = default;
  /// Where a live client resumes, once it is welcomed.
  virtual canvas::Standing stands_at(Client& client);
  virtual void on_signed_in(Client&, const wire::SignedIn&) {}
  /// It is signed in and live, as far as it was asked to be.
  virtual void on_ready(Client&) {}
  /// `message` is still encoded (wire::decode_server reads it): most loads only count deltas. The
  /// first one of a connection is the answer to `resume`; it comes before on_ready.
  virtual void on_delta(Client&, std::string_view message) { (void)message; }
  virtual void on_accepted(Client&, const wire::AcceptedMessage&) {}
  virtual void on_refused(Client&, const wire::RefusedMessage&) {}
  virtual void on_notice(Client&, const wire::Notice&) {}
  /// The connection will be closed; on_closed follows.
  virtual void on_snapshot_needed(Client&, const wire::SnapshotNeeded&) {}
  virtual void on_closed(Client&, const Ending&) {}
};

struct SwarmCounters {
  std::uint64_t frames = 0;  // data frames received by all clients, all kinds
  std::uint64_t deltas = 0;
  std::uint64_t bytes = 0;
};

class Swarm {
 public:
  /// `listener` outlives the swarm. Throws std::runtime_error when the system has no epoll left.
  Swarm(Endpoint endpoint, Listener& listener);
  ~Swarm();  // resets every connection
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  /// Adds a client; it connects when the loop runs, at most kConnectingMax at a time.
  Client& open(ClientOptions options);
  /// Connects a closed client again, at the end of the same queue.
  void reopen(Client& client);
  /// Ends a connection, if there is one.
  void drop(Client& client);

  /// Runs the loop until `done` holds or `limit_ns` have passed; says whether `done` holds. `done`
  /// is asked after every turn, and at least every `turn_ms`.
  bool run_until(const std::function<bool()>& done, std::int64_t limit_ns, int turn_ms = 5);

  [[nodiscard]] Client& client(std::size_t index) { return *clients_[index]; }
  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] std::size_t ready() const { return ready_; }
  [[nodiscard]] std::size_t closed() const { return closed_; }
  [[nodiscard]] const SwarmCounters& counters() const { return counters_; }
  /// When the bytes came that the listener is told of.
  [[nodiscard]] std::int64_t now_ns() const { return now_ns_; }

 private:
  friend class Client;
  static constexpr std::size_t kConnectingMax = 128;

  void turn(int wait_ms);
  void flush_dirty();
  void start_waiting();
  void connect(Client& client);
  void on_writable(Client& client);
  void on_readable(Client& client);
  std::size_t take_upgrade(Client& client, std::string_view bytes);
  std::size_t take_frame(Client& client, std::string_view bytes);
  void on_message(Client& client, std::string_view message);
  void on_decoded(Client& client, wire::ServerMessage message);
  void on_welcome(Client& client, wire::Welcome welcome);
  void on_control(Client& client, unsigned first, std::string_view payload);
  void settle(Client& client);
  void flush(Client& client);
  void close(Client& client, const Ending& ending);

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
  std::int64_t now_ns_ = 0;
  SwarmCounters counters_;
};

}  // namespace load
