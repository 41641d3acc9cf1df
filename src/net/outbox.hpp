// What one WebSocket connection still has to send: at most one shared frame, partly sent, and small
// messages of its own. Writes straight to the socket and keeps only what the kernel did not take.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "wire/frame.hpp"

namespace net {

/// Does not own the socket; belongs to its thread.
class Outbox {
 public:
  enum class State : std::uint8_t { empty, blocked, failed };

  /// `socket` is a non-blocking stream socket.
  explicit Outbox(int socket) : socket_(socket) {}

  /// Puts a whole frame behind what is waiting, without sending. False: there is no room.
  bool add(std::string_view frame);

  /// Sends a shared frame. Only when empty.
  State send(const wire::SharedBytes& frame);

  /// Keeps the rest of a frame of which `sent` bytes have gone already. Only when empty.
  void keep(const wire::SharedBytes& frame, std::size_t sent);

  /// Sends what is waiting as far as the kernel takes it.
  State flush();

  /// The socket is being closed: its number may soon be another's, so nothing is written to it.
  void abandon() { socket_ = -1; }

  [[nodiscard]] bool empty() const { return !shared_ && small_.empty(); }
  /// Bytes the kernel has taken since this was asked the last time.
  std::uint64_t take_bytes_sent() { return std::exchange(bytes_sent_, 0); }

 private:
  State send_from(std::string_view bytes, std::size_t& sent);

  int socket_;
  std::uint64_t bytes_sent_ = 0;
  wire::SharedBytes shared_;  // goes before small_
  std::size_t shared_sent_ = 0;
  std::string small_;
  std::size_t small_sent_ = 0;
};

/// Sends what follows the first `sent` of `bytes`, as far as the kernel takes it without waiting,
/// and advances `sent`; empty when all is sent.
Outbox::State send_now(int socket, std::string_view bytes, std::size_t& sent);

}  // namespace net
