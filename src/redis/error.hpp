// How a request to Redis fails, and what that says about what it did.
#pragma once

#include <string>
#include <string_view>

#include "redis/reply.hpp"

namespace redis {

enum class Failure {
  not_applied,  // certainly changed nothing, and may work later: ask again
  unknown,      // may have been applied, or may still be: never repeat blindly
  refused,      // an error of its own: a bug or a wrong argument. Commands that fail so change
                // nothing; a function may have written before it failed
};

/// Shows no password.
struct Error {
  Failure kind = Failure::not_applied;
  std::string code;     // the first word of the server's error reply; empty if it was none
  std::string message;  // one line, for the operator
};

/// What an error reply of the server means, by its code.
struct Meaning {
  std::string_view code;
  Failure kind = Failure::refused;
  /// This connection is not to the right node, or not logged in, or the node is not ready: every
  /// request on it will fare the same, so it is given up and the node looked for again.
  bool wrong_node = false;
};
Meaning meaning_of(const Reply& error);

/// `where` is said first in the message.
Error error_of(const Reply& error, std::string_view where);

/// One line of at most some hundred bytes out of a server's text.
std::string one_line(std::string_view text);

}  // namespace redis
