#include "net/outbox.hpp"

#include <cerrno>

#include <sys/socket.h>

#include "base/limits.hpp"

namespace net {

bool Outbox::add(std::string_view frame) {
  if (small_.size() - small_sent_ + frame.size() > base::limits::kOutboxBytesMax) return false;
  if (small_sent_ > 0) {
    small_.erase(0, small_sent_);
    small_sent_ = 0;
  }
  small_ += frame;
  return true;
}

Outbox::State Outbox::send(const wire::SharedBytes& frame) {
  std::size_t sent = 0;
  const State state = send_from(*frame, sent);
  if (state == State::blocked) keep(frame, sent);
  return state;
}

void Outbox::keep(const wire::SharedBytes& frame, std::size_t sent) {
  shared_ = frame;
  shared_sent_ = sent;
}

Outbox::State Outbox::flush() {
  if (shared_) {
    const State state = send_from(*shared_, shared_sent_);
    if (state != State::empty) return state;
    shared_.reset();
  }
  if (!small_.empty()) {
    const State state = send_from(small_, small_sent_);
    if (state != State::empty) return state;
    std::string().swap(small_);  // gives the memory back, as assigning an empty string would not
    small_sent_ = 0;
  }
  return State::empty;
}

Outbox::State Outbox::send_from(std::string_view bytes, std::size_t& sent) {
  const auto before = sent;
  const State state = send_now(socket_, bytes, sent);
  bytes_sent_ += sent - before;
  return state;
}

Outbox::State send_now(int socket, std::string_view bytes, std::size_t& sent) {
  while (sent < bytes.size()) {
    const ssize_t taken =
        ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken >= 0) {
      sent += static_cast<std::size_t>(taken);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Outbox::State::blocked;
    } else if (errno != EINTR) {
      return Outbox::State::failed;
    }
  }
  return Outbox::State::empty;
}

}  // namespace net
