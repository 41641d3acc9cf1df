// What PostgreSQL, or the way to it, could not do.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postgres {

/// `message` is one line for the operator's log and names no password.
struct Error {
  std::string message;
  std::string sqlstate;  // five characters; empty when it was not the server that refused
  /// The connection is gone, and everything asked of it from now on fails like this. Whether a
  /// statement that was under way took effect is unknown: a COMMIT may have.
  bool lost = false;
};

template <class T>
using Result = base::Result<T, Error>;
using Status = Result<base::Done>;

namespace sqlstate {
inline constexpr std::string_view kUndefinedTable = "42P01";
inline constexpr std::string_view kUniqueViolation = "23505";
inline constexpr std::string_view kCheckViolation = "23514";  // a row that no partition takes, too
inline constexpr std::string_view kQueryCanceled = "57014";   // statement_timeout, too
inline constexpr std::string_view kAdminShutdown = "57P01";   // pg_terminate_backend, too
inline constexpr std::string_view kInvalidPassword = "28P01";
}  // namespace sqlstate

}  // namespace postgres
