#include "sqlite/database.hpp"

#include <cerrno>
#include <cstring>

#include <sqlite3.h>

namespace sqlite {

namespace {

// How long to wait for a lock that another process (a backup, a shell) holds.
constexpr int kBusyTimeoutMs = 1'000;

[[noreturn]] void fail(sqlite3* handle, int code, std::string_view doing) {
  const int system_error = handle == nullptr ? 0 : ::sqlite3_system_errno(handle);
  std::string what(doing);
  what.append(": ").append(handle == nullptr ? ::sqlite3_errstr(code) : ::sqlite3_errmsg(handle));
  what.append(" (").append(std::to_string(code)).append(")");
  // SQLite remembers the last errno for ever; it says something about I/O errors only.
  const bool of_io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if (of_io && system_error != 0) what.append(", ").append(std::strerror(system_error));
  throw Failure(code, of_io ? system_error : 0, what);
}

}  // namespace

Failure::Failure(int code, int system_error, const std::string& what)
    : std::runtime_error(what), code_(code), system_error_(system_error) {}

bool Failure::disk_full() const {
  if (code_ == SQLITE_FULL) return true;
  return code_ == SQLITE_IOERR_WRITE &&
         (system_error_ == ENOSPC || system_error_ == EDQUOT || system_error_ == EFBIG);
}

bool Failure::write_refused() const {
  return code_ == SQLITE_FULL || code_ == SQLITE_IOERR_WRITE || (code_ & 0xff) == SQLITE_BUSY;
}

void Database::Close::operator()(sqlite3* handle) const { ::sqlite3_close_v2(handle); }

Database::Database(const std::string& path, Mode mode) {
  // Counting memory would take a global lock at every allocation.
  [[maybe_unused]] static const int configured = ::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  const int flags = (mode == Mode::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                              : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(handle, code, path);
  ::sqlite3_busy_timeout(handle, kBusyTimeoutMs);
}

void Database::execute(const std::string& sql) {
  const int code = ::sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(handle_.get(), code, sql.substr(0, sql.find('\n')));
}

std::int64_t Database::number(const std::string& sql) {
  Statement statement(*this, sql);
  Cursor row = statement.query();
  return row.next() ? row.integer(0) : 0;
}

bool Database::in_transaction() const { return ::sqlite3_get_autocommit(handle_.get()) == 0; }

void Database::truncate_log() {
  const int code = ::sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                               nullptr, nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY) fail(handle_.get(), code, "truncating the log");
}

Cursor::~Cursor() { ::sqlite3_reset(statement_->handle_.get()); }

bool Cursor::next() {
  sqlite3_stmt* handle = statement_->handle_.get();
  const int code = ::sqlite3_step(handle);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(::sqlite3_db_handle(handle), code, ::sqlite3_sql(handle));
  return false;
}

std::int64_t Cursor::integer(int column) const {
  return ::sqlite3_column_int64(statement_->handle_.get(), column);
}

std::string_view Cursor::bytes(int column) const {
  sqlite3_stmt* handle = statement_->handle_.get();
  const void* data = ::sqlite3_column_blob(handle, column);  // before the size, as SQLite asks for
  const int size = ::sqlite3_column_bytes(handle, column);
  return {static_cast<const char*>(data), data == nullptr ? 0 : static_cast<std::size_t>(size)};
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const { ::sqlite3_finalize(handle); }

Statement::Statement(Database& database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code =
      ::sqlite3_prepare_v3(database.handle_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) fail(database.handle_.get(), code, sql);
  handle_.reset(handle);
}

void Statement::bind_integer(int index, std::int64_t value) {
  const int code = ::sqlite3_bind_int64(handle_.get(), index, value);
  if (code != SQLITE_OK) fail(::sqlite3_db_handle(handle_.get()), code, "binding a number");
}

void Statement::bind(int index, std::string_view text) {
  const int code = ::sqlite3_bind_text(handle_.get(), index, text.data(),
                                       static_cast<int>(text.size()), SQLITE_STATIC);
  if (code != SQLITE_OK) fail(::sqlite3_db_handle(handle_.get()), code, "binding a text");
}

void Statement::bind(int index, Blob blob) {
  const int code = ::sqlite3_bind_blob(handle_.get(), index, blob.bytes.data(),
                                       static_cast<int>(blob.bytes.size()), SQLITE_STATIC);
  if (code != SQLITE_OK) fail(::sqlite3_db_handle(handle_.get()), code, "binding a blob");
}

Transaction::Transaction(Database& database) : database_(&database) {
  database_->execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!database_->in_transaction()) return;
  try {
    database_->execute("ROLLBACK");
  } catch (const Failure&) {
    // The connection is still in the transaction; the next BEGIN fails and tells.
  }
}

void Transaction::commit() { database_->execute("COMMIT"); }

}  // namespace sqlite
