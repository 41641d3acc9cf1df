// The two sides of a WebSocket connection, as the service sees them: a conversation reacts to what
// a client says, an outlet says something to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/callback.hpp"
#include "wire/frame.hpp"

namespace service {

/// One connection's way out. Everything but post() is called on the connection's own thread.
class Outlet : public std::enable_shared_from_this<Outlet> {
 public:
  virtual ~Outlet() = default;

  /// Sends one message. Messages keep their order.
  virtual void send(std::string_view message) = 0;

  /// From now on the client follows the feed, standing at `offset`; what it misses up to the last
  /// tick is sent at once, be it nothing.
  virtual void go_live(std::uint64_t offset) = 0;
  virtual void stop_feed() = 0;

  /// Counts the client as a player from now on.
  virtual void greet() = 0;

  /// Sends a close frame; nothing can be sent after it.
  virtual void close(wire::CloseCode code) = 0;

  /// Runs `task` on the connection's thread, unless the connection is gone by then. Thread-safe.
  virtual void post(base::Callback<void()> task) = 0;
};

/// Lives as long as its connection, on the connection's thread.
class Conversation {
 public:
  virtual ~Conversation() = default;

  /// One binary message; the view is valid until the call returns.
  virtual void on_message(std::string_view message) = 0;

  /// Whether every question has been answered.
  [[nodiscard]] virtual bool settled() const = 0;
};

using OpenConversation = std::function<std::unique_ptr<Conversation>(Outlet&)>;

}  // namespace service
