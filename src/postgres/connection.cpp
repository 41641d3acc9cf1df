#include "postgres/connection.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace postgres {

namespace {

namespace limits = base::limits;

/// What libpq says in several lines, in one.
std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view part = base::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    if (!line.empty()) line += "; ";
    line += part;
  }
  return line;
}

std::string_view field(const PGresult* result, int code) {
  const char* text = ::PQresultErrorField(result, code);
  return text == nullptr ? std::string_view{} : text;
}

Error error_of(const PGresult* result) {
  Error error;
  error.sqlstate = field(result, PG_DIAG_SQLSTATE);
  error.message = one_line(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (error.message.empty()) error.message = one_line(::PQresultErrorMessage(result));
  const auto detail = one_line(field(result, PG_DIAG_MESSAGE_DETAIL));
  if (!detail.empty()) error.message += " (" + detail + ")";
  const auto severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  error.lost = severity == "FATAL" || severity == "PANIC";
  return error;
}

void ignore_notice(void* /*unused*/, const char* /*message*/) {}

int wait_for(int socket, short events, std::int64_t deadline_ms) {
  pollfd waiting{.fd = socket, .events = events, .revents = 0};
  while (true) {
    const auto left = std::clamp<std::int64_t>(deadline_ms - base::steady_ms(), 0,
                                               std::numeric_limits<int>::max());
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready >= 0 || errno != EINTR) return ready <= 0 ? 0 : waiting.revents;
  }
}

/// What is asked of every connection, unless the URL says otherwise: a server that has gone
/// without a word is noticed in seconds.
std::vector<std::pair<std::string, std::string>> with_defaults(const Url& url,
                                                               const Options& options) {
  std::vector<std::pair<std::string, std::string>> all{
      {"application_name", options.application_name},
      {"keepalives", "1"},
      {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", std::to_string(limits::kPostgresConnectMs)},
  };
  std::erase_if(all, [&](const auto& option) { return url.option(option.first).has_value(); });
  for (const auto& option : url.options()) {
    // libpq heeds connect_timeout in blocking calls only.
    if (option.first != "connect_timeout" && option.first != "client_encoding") {
      all.push_back(option);
    }
  }
  all.emplace_back("client_encoding", "UTF8");
  return all;
}

std::int64_t connect_timeout_ms(const Url& url, const Options& options) {
  const auto seconds = base::parse_number<std::int32_t>(url.option("connect_timeout").value_or(""));
  const std::int64_t each_ms =
      seconds.value_or(0) > 0 ? std::int64_t{*seconds} * 1000 : options.connect_timeout_ms;
  return each_ms * static_cast<std::int64_t>(url.hosts());
}

}  // namespace

void Connection::Finish::operator()(pg_conn* handle) const { ::PQfinish(handle); }

Result<Connection> Connection::open(const Url& url, const Options& options) {
  const auto all = with_defaults(url, options);
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : all) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  Handle handle(::PQconnectStartParams(keywords.data(), values.data(), 0));
  auto opened = finish_opening(handle.get(), url, connect_timeout_ms(url, options));
  if (!opened) return opened.error();
  Connection connection(std::move(handle), options.call_timeout_ms);
  auto ready = connection.set_up_session();
  if (!ready) return ready.error();
  return connection;
}

Status Connection::finish_opening(pg_conn* handle, const Url& url, std::int64_t timeout_ms) {
  if (handle == nullptr) return Error{"out of memory", {}, true};
  ::PQsetNoticeProcessor(handle, ignore_notice, nullptr);
  const std::int64_t deadline_ms = base::steady_ms() + timeout_ms;
  auto wanted = PGRES_POLLING_WRITING;
  while (::PQstatus(handle) != CONNECTION_BAD) {
    const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (wait_for(::PQsocket(handle), events, deadline_ms) == 0) {
      return Error{
          url.without_password() + " did not answer within " + std::to_string(timeout_ms) + " ms",
          {},
          true};
    }
    wanted = ::PQconnectPoll(handle);
    if (wanted == PGRES_POLLING_OK && ::PQsetnonblocking(handle, 1) == 0) return base::Done{};
    if (wanted == PGRES_POLLING_FAILED) break;
  }
  return Error{one_line(::PQerrorMessage(handle)), {}, true};
}

Status Connection::set_up_session() {
  // The other half of the keepalives: the server notices that we are gone, ends what we had under
  // way and frees our locks.
  std::string script =
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
      "SET tcp_keepalives_count = 3; SET idle_in_transaction_session_timeout = " +
      std::to_string(limits::kPostgresIdleTransactionMs);
  if (::PQserverVersion(handle_.get()) >= 140000) {
    script += "; SET client_connection_check_interval = 1000";
  }
  if (auto done = run(script); !done) return done;
  return set_call_timeout(call_timeout_ms_);
}

Status Connection::set_call_timeout(std::int64_t timeout_ms) {
  // Under the new deadline already, should it be the longer one.
  call_timeout_ms_ = timeout_ms;
  return run("SET statement_timeout = " + std::to_string(timeout_ms));
}

Result<Rows> Connection::execute_with(const std::string& sql, std::span<const Value> values) {
  if (lost()) return gone();
  std::vector<Oid> types;
  std::vector<const char*> data;
  std::vector<int> sizes;
  for (const Value& value : values) {
    types.push_back(value.type());
    // An empty text is not a null pointer: that would be NULL.
    data.push_back(value.data().empty() ? "" : value.data().data());
    sizes.push_back(static_cast<int>(value.data().size()));
  }
  const std::vector<int> formats(values.size(), 1);
  constexpr int kBinaryResult = 1;
  return send_and_collect(
      ::PQsendQueryParams(handle_.get(), sql.c_str(), static_cast<int>(values.size()), types.data(),
                          data.data(), sizes.data(), formats.data(), kBinaryResult));
}

Status Connection::run(const std::string& script) {
  if (lost()) return gone();
  auto done = send_and_collect(::PQsendQuery(handle_.get(), script.c_str()));
  if (!done) return done.error();
  return base::Done{};
}

Result<bool> Connection::try_lock(std::int64_t key) {
  auto rows = execute("SELECT pg_try_advisory_lock($1)", key);
  if (!rows) return rows.error();
  return rows->as<bool>(0, 0);
}

bool Connection::in_transaction() const {
  return !lost() && ::PQtransactionStatus(handle_.get()) != PQTRANS_IDLE;
}

std::string Connection::parameter(const std::string& name) const {
  const char* value = lost() ? nullptr : ::PQparameterStatus(handle_.get(), name.c_str());
  return value == nullptr ? "" : value;
}

int Connection::server_process() const { return lost() ? 0 : ::PQbackendPID(handle_.get()); }

std::int64_t Connection::new_deadline_ms() const {
  return base::steady_ms() + call_timeout_ms_ + limits::kPostgresGraceMs;
}

Connection::Readiness Connection::wait(bool to_write, std::int64_t deadline_ms) {
  const short events = static_cast<short>(POLLIN | (to_write ? POLLOUT : 0));
  const int ready = wait_for(::PQsocket(handle_.get()), events, deadline_ms);
  if (ready == 0) return Readiness::late;
  return (ready & ~POLLOUT) != 0 ? Readiness::readable : Readiness::writable;
}

Status Connection::flush(std::int64_t deadline_ms) {
  while (true) {
    const int left = ::PQflush(handle_.get());
    if (left == 0) return base::Done{};
    if (left < 0) return lose(one_line(::PQerrorMessage(handle_.get())));
    const auto ready = wait(true, deadline_ms);
    if (ready == Readiness::late) return lose_late();
    if (ready == Readiness::readable && ::PQconsumeInput(handle_.get()) == 0) {
      return lose(one_line(::PQerrorMessage(handle_.get())));
    }
  }
}

Result<Rows> Connection::collect(std::int64_t deadline_ms) {
  Rows last(nullptr);
  std::optional<Error> failed;
  while (true) {
    while (::PQisBusy(handle_.get()) != 0) {
      const auto ready = wait(false, deadline_ms);
      if (ready == Readiness::late) return lose_late();
      if (::PQconsumeInput(handle_.get()) != 0) continue;
      auto error = lose(failed ? failed->message : one_line(::PQerrorMessage(handle_.get())));
      if (failed) error.sqlstate = failed->sqlstate;
      return error;
    }
    PGresult* result = ::PQgetResult(handle_.get());
    if (result == nullptr) break;
    last = Rows(result);
    const auto status = ::PQresultStatus(result);
    if (status == PGRES_COPY_IN) return last;
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      return lose("a COPY in a direction that this program does not use");
    }
    const bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!fine && status != PGRES_EMPTY_QUERY && !failed) failed = error_of(result);
  }
  if (!failed) return last;
  if (failed->lost || ::PQstatus(handle_.get()) == CONNECTION_BAD) {
    lose(failed->message);
    failed->lost = true;
  }
  return *failed;
}

Result<Rows> Connection::send_and_collect(int sent) {
  if (sent == 0) {
    // Refused by libpq itself: a connection that was found broken, or a use it does not allow.
    return lose(one_line(::PQerrorMessage(handle_.get())));
  }
  const std::int64_t deadline_ms = new_deadline_ms();
  if (auto flushed = flush(deadline_ms); !flushed) return flushed.error();
  return collect(deadline_ms);
}

Error Connection::lose(std::string why) {
  handle_.reset();
  why_lost_ = std::move(why);
  return {why_lost_, {}, true};
}

Error Connection::gone() const { return {"the connection is lost: " + why_lost_, {}, true}; }

Result<Transaction> Transaction::begin(Connection& connection, const std::string& how) {
  auto begun = connection.run("BEGIN " + how);
  if (!begun) return begun.error();
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  // A rollback that fails costs the connection, and that ends the transaction too.
  if (connection_ == nullptr || !connection_->in_transaction()) return;
  if (auto done = connection_->run("ROLLBACK"); !done) connection_->lose(done.error().message);
}

Status Transaction::commit() {
  Connection& connection = *std::exchange(connection_, nullptr);
  if (connection.lost()) return connection.gone();
  if (::PQtransactionStatus(connection.handle_.get()) == PQTRANS_INERROR) {
    // COMMIT would roll back and call that a success.
    if (auto done = connection.run("ROLLBACK"); !done) return done;
    return Error{"a statement of the transaction had failed", "25P02", false};
  }
  return connection.run("COMMIT");
}

}  // namespace postgres
