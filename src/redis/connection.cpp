#include "redis/connection.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "redis/error.hpp"

namespace redis {

namespace {
constexpr std::size_t kReadBytes = 64 * 1024;
}

/// One request on its way, held by its asker and by the queue it is in.
struct Connection::Exchange {
  enum class State { unsent, sent, done, lost };

  Exchange(const asio::any_io_executor& executor, std::string b, std::size_t w, Time deadline)
      : timer(executor, deadline), bytes(std::move(b)), wanted(w) {}

  [[nodiscard]] bool waiting() const { return state == State::unsent || state == State::sent; }

  Timer timer;  // its asker waits for it; cancelled when the state changes
  std::string bytes;
  std::size_t wanted;
  State state = State::unsent;
  Replies replies;
  Lost lost;
};

Connection::Connection(const std::shared_ptr<Scope>& scope, Address address)
    : scope_(scope),
      address_(std::move(address)),
      name_(to_string(address_)),
      transport_(scope->executor()),
      ended_(scope->executor(), Time::max()),
      hook_(scope, [this] { close("stopped"); }) {}

asio::awaitable<base::Status> Connection::open(asio::ssl::context* tls, Time deadline) {
  const auto self = shared_from_this();
  if (scope_->stopping()) close("stopped");
  Timer watch(scope_->executor(), deadline);
  watch.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (const auto connection = error ? nullptr : weak.lock()) connection->give_up_opening();
  });
  const auto status = co_await transport_.connect(address_, tls);
  if (!status && state_ != State::closed) close(status.error().message);
  if (state_ == State::closed) co_return base::Error{why_};
  state_ = State::open;
  scope_->spawn(read_in(self));
  co_return base::Done{};
}

void Connection::give_up_opening() {
  if (state_ != State::opening) return;
  close("no " + std::string(transport_.awaited()) + " in time");
}

asio::awaitable<base::Result<Replies, Connection::Lost>> Connection::exchange(std::string bytes,
                                                                              std::size_t replies,
                                                                              Time deadline) {
  const auto self = shared_from_this();
  if (!usable()) co_return Lost{.why = why_};
  const auto own =
      std::make_shared<Exchange>(scope_->executor(), std::move(bytes), replies, deadline);
  unsent_.push_back(own);
  if (!writing_) {
    writing_ = true;
    scope_->spawn(write_out(self));
  }
  if (own->waiting()) co_await own->timer.async_wait(kAwait);
  switch (own->state) {
    case Exchange::State::done:
      co_return std::move(own->replies);
    case Exchange::State::lost:
      co_return own->lost;
    case Exchange::State::unsent:
      unsent_.erase(std::find(unsent_.begin(), unsent_.end(), own));
      co_return Lost{.sent = false, .late = true, .why = "could not be sent in time"};
    case Exchange::State::sent:
      break;
  }
  close("no answer in time");
  co_return Lost{.sent = true, .late = true, .why = why_};
}

asio::awaitable<void> Connection::read_in(std::shared_ptr<Connection> self) {
  std::vector<char> bytes(kReadBytes);
  while (self->state_ != State::closed) {
    const auto [error, size] = co_await self->transport_.read_some(asio::buffer(bytes));
    if (self->state_ == State::closed) break;
    if (error) {
      self->close(describe(error));
      break;
    }
    self->reader_.feed({bytes.data(), size});
    while (self->state_ != State::closed) {
      auto reply = self->reader_.next();
      if (!reply) break;
      self->deliver(std::move(*reply));
    }
    const auto& problem = self->reader_.problem();
    if (!problem.empty()) self->close("not understood: " + problem);
  }
}

void Connection::deliver(Reply reply) {
  if (sent_.empty()) {
    if (on_push_) {
      on_push_(std::move(reply));
    } else {
      close(reply.is_error() ? one_line(reply.text) : "an answer to nothing");
    }
    return;
  }
  auto& first = *sent_.front();
  first.replies.push_back(std::move(reply));
  if (first.replies.size() < first.wanted) return;
  first.state = Exchange::State::done;
  first.timer.cancel();
  sent_.pop_front();
  if (state_ == State::retired && sent_.empty()) close(why_);
}

asio::awaitable<void> Connection::write_out(std::shared_ptr<Connection> self) {
  while (self->state_ != State::closed && !self->unsent_.empty()) {
    const auto bytes = self->take_unsent();
    const auto [error, size] = co_await self->transport_.write(asio::buffer(bytes));
    if (error) self->close(describe(error));
  }
  self->writing_ = false;
}

/// All that wait to be sent, as one piece; from here on nobody knows whether the server has them.
std::string Connection::take_unsent() {
  std::string bytes = std::move(unsent_.front()->bytes);
  for (std::size_t i = 0; i < unsent_.size(); ++i) {
    unsent_[i]->state = Exchange::State::sent;
    if (i > 0) bytes += std::exchange(unsent_[i]->bytes, {});
    sent_.push_back(std::move(unsent_[i]));
  }
  unsent_.clear();
  return bytes;
}

void Connection::lose(std::deque<std::shared_ptr<Exchange>>& exchanges) {
  for (const auto& exchange : exchanges) {
    const bool sent = exchange->state == Exchange::State::sent;
    exchange->lost = {.sent = sent, .late = false, .why = why_};
    exchange->state = Exchange::State::lost;
    exchange->timer.cancel();
  }
  exchanges.clear();
}

void Connection::retire(const std::string& why) {
  if (state_ != State::open) return;
  state_ = State::retired;
  why_ = why;
  lose(unsent_);
  ended_.cancel();
  if (sent_.empty()) close(why);
}

void Connection::close(const std::string& why) {
  if (state_ == State::closed) return;
  if (state_ != State::retired) why_ = why;
  state_ = State::closed;
  transport_.close();
  lose(sent_);
  lose(unsent_);
  ended_.cancel();
}

asio::awaitable<void> Connection::ended() {
  const auto self = shared_from_this();
  while (usable()) co_await ended_.async_wait(kAwait);
}

}  // namespace redis
