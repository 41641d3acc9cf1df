// A reply that a handler gives later, from any thread, and the connection that waits for it.
#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/async_result.hpp>

#include "base/callback.hpp"
#include "net/connection.hpp"
#include "net/types.hpp"
#include "service/http.hpp"

namespace net {

class Worker;

/// A part of its connection, on its worker's thread. One reply after the other.
class AwaitedReply final : public service::Responder {
 public:
  AwaitedReply(Worker& worker, const Connection& connection)
      : worker_(worker), connection_(connection) {}

  /// What the handler is given; `owner` is the connection.
  service::Respond expect(const std::shared_ptr<const Connection>& owner);

  /// Suspends until it has come. To be called right after expect().
  Task<service::Reply> wait() {
    return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(service::Reply)>(
        [this](auto handler) { resume_ = std::move(handler); }, kAwaitReply);
  }

  /// Ends the wait soon, with what is told when an outcome is not known. What comes after that goes
  /// nowhere.
  void give_up(std::shared_ptr<const Connection> owner);
  [[nodiscard]] bool is_awaited() const { return static_cast<bool>(resume_); }

 private:
  static constexpr asio::use_awaitable_t<Executor> kAwaitReply{};

  void post(std::shared_ptr<service::Responder> self, base::Callback<void()> task) override;
  void take(std::uint64_t ticket, service::Reply reply) override;

  Worker& worker_;
  const Connection& connection_;
  std::uint64_t ticket_ = 0;  // of the reply that is expected
  base::Callback<void(service::Reply)> resume_;
};

}  // namespace net
