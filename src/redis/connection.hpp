// One connection to one node: requests go out in order, replies come back in order, and whoever
// asked waits for his own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/reply_reader.hpp"
#include "redis/scope.hpp"
#include "redis/transport.hpp"
#include "redis/url.hpp"

namespace redis {

using Replies = std::vector<Reply>;

/// Lives on the scope's thread; ends with the scope. Its coroutines hold it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Why there are no replies.
  struct Lost {
    bool sent = false;  // the bytes may have left: the outcome is unknown
    bool late = false;  // the deadline has passed; otherwise the connection has ended
    std::string why;    // one line, without the address
  };
  using OnPush = std::function<void(Reply)>;

  Connection(const std::shared_ptr<Scope>& scope, Address address);

  /// First and once. `tls` may be null and must outlive the scope's coroutines.
  asio::awaitable<base::Status> open(asio::ssl::context* tls, Time deadline);

  /// Sends `bytes` in one piece, to which the server answers with so many replies. Requests made
  /// while others are under way are pipelined. Without an answer by the deadline the connection is
  /// closed, since a server that is mute to one is mute to all; the others learn that their
  /// outcome is unknown.
  asio::awaitable<base::Result<Replies, Lost>> exchange(std::string bytes, std::size_t replies,
                                                        Time deadline);

  /// Replies that nobody asked for go there; without it they are an error.
  void on_push(OnPush on_push) { on_push_ = std::move(on_push); }

  /// Takes no more requests; what was sent is still answered, then it closes.
  void retire(const std::string& why);
  void close(const std::string& why);
  /// When it has been retired or closed.
  asio::awaitable<void> ended();

  [[nodiscard]] bool usable() const { return state_ == State::open; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] const std::string& name() const { return name_; }  // the address as text

 private:
  enum class State { opening, open, retired, closed };
  struct Exchange;

  static asio::awaitable<void> read_in(std::shared_ptr<Connection> self);
  static asio::awaitable<void> write_out(std::shared_ptr<Connection> self);
  void give_up_opening();
  void deliver(Reply reply);
  std::string take_unsent();
  void lose(std::deque<std::shared_ptr<Exchange>>& exchanges);

  std::shared_ptr<Scope> scope_;
  Address address_;
  std::string name_;
  Transport transport_;
  ReplyReader reader_;
  OnPush on_push_;
  State state_ = State::opening;
  std::string why_;
  std::deque<std::shared_ptr<Exchange>> unsent_;
  std::deque<std::shared_ptr<Exchange>> sent_;
  bool writing_ = false;
  Timer ended_;  // cancelled when the state changes
  Scope::Hook hook_;
};

}  // namespace redis
