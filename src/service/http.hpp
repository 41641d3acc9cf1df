// An HTTP exchange as the service sees it: no sockets, no parser, only what was asked and what is
// answered. src/net turns bytes into these and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/callback.hpp"
#include "wire/frame.hpp"

namespace service {

enum class Method : std::uint8_t { get, head, post, other };

/// Header fields by name, case-insensitive.
class Headers {
 public:
  virtual ~Headers() = default;
  /// The field's value, empty if it is not there.
  [[nodiscard]] virtual std::string_view get(std::string_view name) const = 0;
  /// How often the field is there.
  [[nodiscard]] virtual std::size_t count(std::string_view name) const = 0;
};

/// Valid until the handler returns; a handler that answers later copies what it needs.
struct Request {
  Method method{};
  std::string_view path;   // undecoded, without the query
  std::string_view query;  // without the question mark
  std::string_view body;
  const Headers& headers;
  std::string_view address;  // of the client, after TRUSTED_PROXIES
};

/// What is answered. HEAD requests get the same reply, its body left out by src/net.
struct Reply {
  int status = 200;
  bool endless = false;  // the body follows, and ends with the connection
  std::string_view content_type = "application/json";  // a literal
  std::string headers;                                 // further fields, each ending in CRLF
  std::variant<std::string, wire::SharedBytes> body;

  [[nodiscard]] std::string_view bytes() const {
    const auto* own = std::get_if<std::string>(&body);
    if (own != nullptr) return *own;
    const auto& shared = std::get<wire::SharedBytes>(body);
    return shared ? std::string_view(*shared) : std::string_view();
  }
};

/// Who waits for replies that come later.
class Responder {
 public:
  virtual ~Responder() = default;
  /// Runs `task` on the thread of whoever waits. Thread-safe; `self` is this, kept alive.
  virtual void post(std::shared_ptr<Responder> self, base::Callback<void()> task) = 0;
  /// On that thread. `ticket` says which reply it is: one that nobody waits for goes nowhere.
  virtual void take(std::uint64_t ticket, Reply reply) = 0;
};

/// Takes the reply, exactly once, on any thread.
class Respond {
 public:
  Respond(std::shared_ptr<Responder> to, std::uint64_t ticket)
      : to_(std::move(to)), ticket_(ticket) {}

  /// `make` makes the reply on the thread of whoever waits: what travels is smaller than a reply.
  template <class Make>
  requires std::is_invocable_r_v<Reply, Make>
  void operator()(Make make) const {
    to_->post(to_, [to = to_.get(), ticket = ticket_, make = std::move(make)] {
      to->take(ticket, make());
    });
  }
  void operator()(Reply reply) const {
    (*this)([held = std::make_unique<Reply>(std::move(reply))] { return std::move(*held); });
  }

 private:
  std::shared_ptr<Responder> to_;
  std::uint64_t ticket_;
};

/// `{"error":{"code":…,"message":…,members…}}`; `members` is JSON text such as `"wait_ms":5`.
Reply error_reply(int status, std::string_view code, std::string_view message,
                  std::string_view members = {});

/// The same with Retry-After, rounded up to whole seconds, at least 1.
Reply error_reply_later(int status, std::string_view code, std::string_view message,
                        std::int64_t wait_ms, std::string_view members = {});

/// Whether a request changed anything is not known, and a repeat with its key tells: 503.
Reply unknown_reply();

/// JSON that is not to be kept.
Reply json_reply(decltype(Reply::body) body, int status = 200);

/// JSON bodies may come without a Content-Type, but not with another one: the reply then.
std::optional<Reply> refuse_content_type(const Request& request);

/// 1 to 64 visible ASCII characters.
bool is_idempotency_key(std::string_view key);
Reply bad_idempotency_key();

/// `text` as a JSON string, with its quotes.
std::string json_string(std::string_view text);

/// Whether an If-None-Match field names the entity tag, so that 304 is the answer (RFC 9110,
/// section 13.1.2).
bool is_unchanged(std::string_view if_none_match, std::string_view etag);

/// The value of `name` in a query string, percent-decoded; empty if it is not there.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace service
