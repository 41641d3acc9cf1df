// The route table: every HTTP address as one row of data (method, path, who may call, how large a
// body, handler), and the dispatch over it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/token.hpp"
#include "ops/metrics.hpp"
#include "service/http.hpp"
#include "service/streams.hpp"

namespace service {

enum class Access : std::uint8_t { open, signed_in };

/// What a handler gets besides the request.
struct Call {
  const Request& request;
  std::vector<std::string_view> parameters;  // of `{…}` in the pattern, in order
  const auth::Person* person = nullptr;      // set on routes with Access::signed_in
};

/// A handler that has answered does not throw afterwards.
using AtOnce = std::function<Reply(const Call&)>;
using Later = std::function<void(const Call&, Respond)>;
/// Answers with a stream of the topic, or refuses.
using Stream = std::function<std::variant<Following, Reply>(const Call&)>;

struct Route {
  Method method{};
  std::string_view pattern;  // a literal; `{name}` stands for one path segment
  Access access{};
  bool limited = true;  // counts against the address's request rate
  std::size_t body_bytes_max = 0;
  std::variant<AtOnce, Later, Stream> handler;

  [[nodiscard]] bool answers_at_once() const { return std::holds_alternative<AtOnce>(handler); }
  [[nodiscard]] bool is_stream() const { return std::holds_alternative<Stream>(handler); }
};

/// A request's route, found before its body is read.
struct Match {
  const Route* route = nullptr;
  std::optional<ops::RouteMetrics> metrics;
  std::vector<std::string_view> parameters;
};

/// Immutable once built; thread-safe.
class Router {
 public:
  Router(std::vector<Route> routes, const auth::TokenSigner& tokens, ops::Metrics& metrics);

  /// The route; or the reply that refuses the request (404, or 405 with Allow).
  [[nodiscard]] std::variant<Match, Reply> find(Method method, std::string_view path) const;

  /// Authorises and runs. A reply that is there at once is returned, as it always is where
  /// answers_at_once(); otherwise nothing is returned and `respond` gets it later. Exceptions of
  /// handlers become a 500 and a line in the log.
  [[nodiscard]] std::optional<Reply> run(const Match& match, const Request& request,
                                         std::optional<Respond> respond) const;

  /// The same for a route that is_stream(): which topic, or the reply that refuses.
  [[nodiscard]] std::variant<Following, Reply> open(const Match& match,
                                                    const Request& request) const;

 private:
  struct Row {
    Route route;
    ops::RouteMetrics metrics;
  };
  [[nodiscard]] std::optional<Reply> authorise(const Match& match, const Request& request,
                                               auth::Person& person) const;

  std::vector<Row> rows_;
  const auth::TokenSigner& tokens_;
};

}  // namespace service
