#include "net/awaited_reply.hpp"

#include <utility>

#include "net/worker.hpp"

namespace net {

service::Respond AwaitedReply::expect(const std::shared_ptr<const Connection>& owner) {
  return {std::shared_ptr<service::Responder>(owner, this), ++ticket_};
}

void AwaitedReply::post(std::shared_ptr<service::Responder> self, base::Callback<void()> task) {
  worker_.post(std::shared_ptr<const Connection>(std::move(self), &connection_), std::move(task));
}

void AwaitedReply::take(std::uint64_t ticket, service::Reply reply) {
  if (ticket != ticket_ || !is_awaited()) return;
  const auto resume = std::move(resume_);
  resume(std::move(reply));
}

void AwaitedReply::give_up(std::shared_ptr<const Connection> owner) {
  worker_.post(std::move(owner),
               [this, ticket = ticket_] { take(ticket, service::unknown_reply()); });
}

}  // namespace net
