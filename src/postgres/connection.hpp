// PostgreSQL, thinly: a connection, a transaction. With its neighbours the only user of libpq.
// Expected failures are values (postgres::Error). A connection and everything made from it belong
// to one thread at a time.
//
// Calls block, but never for long: libpq is used without blocking underneath, and a server that
// has not answered at the deadline, even one that is stopped or cut off, costs the connection.
// Only looking up a host's name takes as long as the system's resolver does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "postgres/error.hpp"
#include "postgres/rows.hpp"
#include "postgres/url.hpp"
#include "postgres/values.hpp"

struct pg_conn;

namespace postgres {

struct Options {
  std::string application_name = "pixel-battle";  // as pg_stat_activity shows it
  /// For each server that the URL names; its option connect_timeout (in seconds) goes before.
  std::int64_t connect_timeout_ms = base::limits::kPostgresConnectMs;
  std::int64_t call_timeout_ms = base::limits::kPostgresCallMs;
};

/// Can be moved, but not while a Transaction or a Copy refers to it.
class Connection {
 public:
  static Result<Connection> open(const Url& url, const Options& options = {});

  /// Runs one statement with parameters $1, $2 …, each a number, a text, Bytes or an array (see
  /// Value).
  template <class... Arguments>
  Result<Rows> execute(const std::string& sql, const Arguments&... arguments) {
    const std::array<Value, sizeof...(Arguments)> values{Value(arguments)...};
    return execute_with(sql, values);
  }
  Result<Rows> execute_with(const std::string& sql, std::span<const Value> values);

  /// Runs any number of statements, separated by semicolons, for what they do.
  Status run(const std::string& script);

  /// From now on a call may take so long: the server cancels a statement after that time
  /// (sqlstate::kQueryCanceled), and a moment later the connection is given up.
  Status set_call_timeout(std::int64_t timeout_ms);

  /// An advisory lock of this session, held until the connection ends or is lost; false when
  /// another session has it. Asked for again it is still ours.
  Result<bool> try_lock(std::int64_t key);

  [[nodiscard]] bool lost() const { return handle_ == nullptr; }
  [[nodiscard]] bool in_transaction() const;
  /// What the server said of itself, such as server_encoding; empty when it did not.
  [[nodiscard]] std::string parameter(const std::string& name) const;
  [[nodiscard]] int server_process() const;

 private:
  friend class Copy;
  friend class Transaction;
  struct Finish {
    void operator()(pg_conn* handle) const;
  };
  using Handle = std::unique_ptr<pg_conn, Finish>;
  enum class Readiness { readable, writable, late };

  Connection(Handle handle, std::int64_t call_timeout_ms)
      : handle_(std::move(handle)), call_timeout_ms_(call_timeout_ms) {}
  static Status finish_opening(pg_conn* handle, const Url& url, std::int64_t timeout_ms);
  Status set_up_session();

  [[nodiscard]] std::int64_t new_deadline_ms() const;
  Readiness wait(bool to_write, std::int64_t deadline_ms);
  /// Sends everything that libpq holds.
  Status flush(std::int64_t deadline_ms);
  /// Waits for the statement's end; its last result, or its first error.
  Result<Rows> collect(std::int64_t deadline_ms);
  Result<Rows> send_and_collect(int sent);
  Error lose(std::string why);
  Error lose_late() { return lose("PostgreSQL did not answer in time"); }
  [[nodiscard]] Error gone() const;

  Handle handle_;
  std::string why_lost_;
  std::int64_t call_timeout_ms_;
};

/// A transaction, rolled back unless committed. The connection must outlive it.
class Transaction {
 public:
  /// `how` is empty, or for example "ISOLATION LEVEL REPEATABLE READ READ ONLY".
  static Result<Transaction> begin(Connection& connection, const std::string& how = {});
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Returns when what was written is as durable as the server makes it. An error with `lost`
  /// leaves the outcome unknown; any other says that nothing was changed.
  Status commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;  // null: moved away or committed
};

}  // namespace postgres
