// COPY … FROM STDIN: rows streamed to the server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "postgres/connection.hpp"

namespace postgres {

/// One COPY under way; nothing else can be asked of the connection until it ends. Given up unless
/// finished. All of it together may take as long as one call.
class Copy {
 public:
  /// `sql` is the whole statement, with FORMAT binary for CopyRows' bytes.
  static Result<Copy> begin(Connection& connection, const std::string& sql);
  Copy(Copy&& other) noexcept;
  Copy& operator=(Copy&&) = delete;
  ~Copy();

  /// Any piece of the stream; returns when the system has taken it. After an error the COPY is
  /// over.
  Status write(std::string_view bytes);
  /// How many rows were stored.
  Result<std::uint64_t> finish();

 private:
  Copy(Connection& connection, std::int64_t deadline_ms)
      : connection_(&connection), deadline_ms_(deadline_ms) {}
  Status end(const char* reason_to_give_up);
  /// What the server has to say about a stream that it does not take.
  Error refused();

  Connection* connection_;  // null: moved away or over
  std::int64_t deadline_ms_;
};

}  // namespace postgres
