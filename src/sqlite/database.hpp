// SQLite, thinly: a connection, a prepared statement, a transaction. The only user of sqlite3.h.
// Errors are exceptions (sqlite::Failure); whoever owns the connection decides what they mean.
// A connection and everything made from it belong to one thread at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace sqlite {

/// Something SQLite could not do. what() is one line for the operator's log.
class Failure : public std::runtime_error {
 public:
  Failure(int code, int system_error, const std::string& what);

  [[nodiscard]] int code() const { return code_; }  // SQLite's extended result code
  /// There was no room for a write (ENOSPC, EDQUOT, EFBIG).
  [[nodiscard]] bool disk_full() const;
  /// The write that failed is certainly not in the database, will never be, and the same may work
  /// later: no room, a failed write to the log, or another process holding the lock. Anything else
  /// during a COMMIT (a failed fsync, say) leaves its outcome unknown. Why a failed write is
  /// certain: the last frame of a transaction is what commits it, and it is written last.
  [[nodiscard]] bool write_refused() const;

 private:
  int code_;
  int system_error_;
};

class Database {
 public:
  enum class Mode { read_write, read_only };

  /// Opens `path`; `read_write` creates it when it is missing. The folder must exist.
  Database(const std::string& path, Mode mode);

  /// Runs statements that give no rows of interest.
  void execute(const std::string& sql);
  /// The first column of the first row of a query, 0 when there is none.
  std::int64_t number(const std::string& sql);
  [[nodiscard]] bool in_transaction() const;
  /// Moves the whole write-ahead log into the database and cuts it to nothing, if no reader is in
  /// the way.
  void truncate_log();

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// The bytes of a BLOB parameter; they must live until the statement has run.
struct Blob {
  std::string_view bytes;
};

class Statement;

/// The rows of one run of a statement; one Cursor of a statement at a time. The statement must
/// outlive it.
class Cursor {
 public:
  explicit Cursor(Statement& statement) : statement_(&statement) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();

  /// Goes to the next row; false when there is none. What the columns of the row before pointed
  /// to is gone.
  bool next();
  [[nodiscard]] std::int64_t integer(int column) const;
  template <class T>
  [[nodiscard]] T as(int column) const {
    return static_cast<T>(integer(column));
  }
  [[nodiscard]] std::string_view bytes(int column) const;  // a BLOB or a TEXT, until next()

 private:
  Statement* statement_;
};

/// A prepared statement, made once and run many times.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  /// Binds the parameters in order and runs to the end.
  template <class... Values>
  void run(const Values&... values) {
    Cursor cursor = query(values...);
    while (cursor.next()) {
    }
  }

  /// Binds the parameters in order; the rows come from the cursor.
  template <class... Values>
  Cursor query(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return Cursor(*this);
  }

 private:
  friend class Cursor;
  template <std::integral T>
  void bind(int index, T value) {
    bind_integer(index, static_cast<std::int64_t>(value));
  }
  void bind(int index, std::string_view text);
  void bind(int index, Blob blob);
  void bind_integer(int index, std::int64_t value);

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// A write transaction, rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  /// Returns when what was written is durable. When it throws, the transaction has been rolled
  /// back in memory; Failure::write_refused() says whether that holds for the disk too.
  void commit();

 private:
  Database* database_;
};

}  // namespace sqlite
