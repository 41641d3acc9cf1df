// The PostgreSQL driver against a real server: what it carries, and what it says when something
// is wrong or away.
#include "postgres/connection.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "postgres/copy.hpp"
#include "tests/support/postgres_server.hpp"

namespace postgres {
namespace {

class PostgresConnection : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<support::PostgresServer>(); }
  static void TearDownTestSuite() { server_.reset(); }

  static Url url() { return Url::parse(server_->url()).value(); }
  static Connection open(const Options& options = {}) {
    return Connection::open(url(), options).value();
  }

  /// The first column of the only row.
  static std::int64_t number(Connection& connection, const std::string& sql) {
    return connection.execute(sql).value().integer(0, 0);
  }

  static std::unique_ptr<support::PostgresServer> server_;
};

std::unique_ptr<support::PostgresServer> PostgresConnection::server_;

TEST_F(PostgresConnection, CarriesNumbersTextsBytesAndArrays) {
  auto connection = open();
  ASSERT_TRUE(
      connection.run("CREATE TEMP TABLE t (n bigint, m smallint, s text, b bytea, f bool)"));
  const std::string bytes("\0\1\xff", 3);
  const char* insert = "INSERT INTO t VALUES ($1, $2, $3, $4, $5)";
  const auto inserted =
      connection.execute(insert, std::int64_t{-5}, std::int16_t{-7}, "größer", Bytes{bytes}, true);
  ASSERT_TRUE(inserted.ok()) << inserted.error().message;
  EXPECT_EQ(inserted->changed(), 1U);
  ASSERT_TRUE(connection.execute(insert, UINT64_MAX, 0, "", Bytes{}, false).ok());
  ASSERT_TRUE(connection.run("INSERT INTO t DEFAULT VALUES").ok());

  const auto rows = connection.execute("SELECT *, n::integer FROM t ORDER BY ctid");
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ(rows->integer(0, 0), -5);
  EXPECT_EQ(rows->integer(0, 1), -7);
  EXPECT_EQ(rows->bytes(0, 2), "größer");
  EXPECT_EQ(rows->bytes(0, 3), bytes);
  EXPECT_TRUE(rows->as<bool>(0, 4));
  EXPECT_EQ(rows->integer(0, 5), -5);
  EXPECT_EQ(rows->as<std::uint64_t>(1, 0), UINT64_MAX);
  EXPECT_FALSE(rows->is_null(1, 2));
  EXPECT_EQ(rows->bytes(1, 2), "");
  EXPECT_EQ(rows->bytes(1, 3), "");
  EXPECT_TRUE(rows->is_null(2, 0));
  EXPECT_EQ(rows->integer(2, 0), 0);
  EXPECT_EQ(rows->bytes(2, 2), "");
  EXPECT_THROW((void)rows->integer(0, 2), std::logic_error) << "a text is no number";
  EXPECT_THROW((void)rows->bytes(3, 0), std::logic_error);
  EXPECT_THROW((void)rows->bytes(0, 6), std::logic_error);

  const std::vector<std::int64_t> numbers{3, -4};
  const std::vector<std::string> texts{"a,b", ""};
  const auto arrays = connection.execute("SELECT * FROM unnest($1, $2) AS u(n, s)",
                                         std::span<const std::int64_t>(numbers),
                                         std::span<const std::string>(texts));
  ASSERT_TRUE(arrays.ok()) << arrays.error().message;
  ASSERT_EQ(arrays->size(), 2U);
  EXPECT_EQ(arrays->integer(1, 0), -4);
  EXPECT_EQ(arrays->bytes(0, 1), "a,b");
  EXPECT_EQ(arrays->bytes(1, 1), "");
}

TEST_F(PostgresConnection, ARefusedStatementIsNamedAndTheConnectionGoesOn) {
  auto connection = open();
  auto missing = connection.execute("SELECT * FROM missing");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().sqlstate, sqlstate::kUndefinedTable);
  EXPECT_EQ(missing.error().message, "relation \"missing\" does not exist");
  EXPECT_FALSE(missing.error().lost);

  const auto script = connection.run(
      "CREATE TEMP TABLE t (n int PRIMARY KEY); "
      "INSERT INTO t VALUES (1), (1); SELECT 1");
  ASSERT_FALSE(script.ok());
  EXPECT_EQ(script.error().sqlstate, sqlstate::kUniqueViolation);
  EXPECT_EQ(script.error().message.find('\n'), std::string::npos);
  EXPECT_NE(script.error().message.find("Key (n)=(1) already exists"), std::string::npos);
  EXPECT_EQ(number(connection, "SELECT 42"), 42);
  EXPECT_FALSE(connection.run("COPY pg_type TO STDOUT").ok());
}

TEST_F(PostgresConnection, ATransactionThatIsNotCommittedIsRolledBack) {
  auto connection = open();
  ASSERT_TRUE(connection.run("CREATE TEMP TABLE t (n int)").ok());
  {
    auto transaction = Transaction::begin(connection);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(connection.run("INSERT INTO t VALUES (1)").ok());
    EXPECT_TRUE(connection.in_transaction());
  }
  EXPECT_FALSE(connection.in_transaction());
  {
    auto transaction = Transaction::begin(connection);
    ASSERT_TRUE(connection.run("INSERT INTO t VALUES (2)").ok());
    ASSERT_TRUE(transaction->commit().ok());
  }
  EXPECT_EQ(number(connection, "SELECT sum(n) FROM t"), 2);
}

TEST_F(PostgresConnection, CommittingAfterAFailedStatementIsAnErrorAndChangesNothing) {
  auto connection = open();
  ASSERT_TRUE(connection.run("CREATE TEMP TABLE t (n int)").ok());
  auto transaction = Transaction::begin(connection);
  ASSERT_TRUE(connection.run("INSERT INTO t VALUES (1)").ok());
  ASSERT_FALSE(connection.run("SELECT 1 / 0").ok());
  const auto committed = transaction->commit();
  ASSERT_FALSE(committed.ok());
  EXPECT_FALSE(committed.error().lost);
  EXPECT_FALSE(connection.in_transaction());
  EXPECT_EQ(number(connection, "SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresConnection, CopiesRowsInBothFormats) {
  auto connection = open();
  ASSERT_TRUE(connection.run("CREATE TEMP TABLE t (n bigint, m smallint, s text)").ok());
  auto copy = Copy::begin(connection, "COPY t FROM STDIN (FORMAT binary)");
  ASSERT_TRUE(copy.ok());
  CopyRows rows;
  constexpr int kRows = 200'000;
  for (int i = 0; i < kRows; ++i) {
    rows.begin_row(3);
    rows.add(std::int64_t{i});
    rows.add(static_cast<std::int16_t>(-i % 1000));
    rows.add("row");
    if (i % 50'000 != 0) continue;
    ASSERT_TRUE(copy->write(rows.bytes()).ok());
    rows.clear();
  }
  rows.end();
  ASSERT_TRUE(copy->write(rows.bytes()).ok());
  const auto stored = copy->finish();
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(*stored, static_cast<std::uint64_t>(kRows));
  EXPECT_EQ(number(connection, "SELECT count(*) FROM t WHERE m = -(n % 1000) AND s = 'row'"),
            kRows);

  auto text = Copy::begin(connection, "COPY t FROM STDIN");
  ASSERT_TRUE(text->write("-1\t2\tthr").ok());
  ASSERT_TRUE(text->write("ee\n-2\t3\tfour\n").ok());
  EXPECT_EQ(text->finish().value(), 2U);
  EXPECT_EQ(number(connection, "SELECT m FROM t WHERE s = 'three'"), 2);
}

TEST_F(PostgresConnection, ACopyThatIsGivenUpOrRefusedStoresNothing) {
  auto connection = open();
  ASSERT_TRUE(connection.run("CREATE TEMP TABLE t (n int PRIMARY KEY)").ok());
  {
    auto copy = Copy::begin(connection, "COPY t FROM STDIN");
    ASSERT_TRUE(copy->write("1\n2\n").ok());
  }
  EXPECT_EQ(number(connection, "SELECT count(*) FROM t"), 0);

  auto copy = Copy::begin(connection, "COPY t FROM STDIN");
  // The server refuses the first row while megabytes are still being sent.
  Status written = base::Done{};
  const std::string piece(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 64 && written; ++i) written = copy->write(piece + "\n");
  const auto finished = copy->finish();
  ASSERT_FALSE(written.ok() && finished.ok());
  const Error& error = written.ok() ? finished.error() : written.error();
  EXPECT_EQ(error.sqlstate, "22P02") << error.message;
  EXPECT_FALSE(error.lost);
  EXPECT_EQ(number(connection, "SELECT count(*) FROM t"), 0);
  EXPECT_FALSE(Copy::begin(connection, "COPY missing FROM STDIN").ok());
}

TEST_F(PostgresConnection, AStatementThatTakesTooLongIsCanceled) {
  auto connection = open({.call_timeout_ms = 100});
  const auto slept = connection.execute("SELECT pg_sleep(60)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().sqlstate, sqlstate::kQueryCanceled);
  EXPECT_FALSE(slept.error().lost);
  ASSERT_TRUE(connection.set_call_timeout(30'000).ok());
  EXPECT_TRUE(connection.execute("SELECT pg_sleep(0.3)").ok());
}

// Without deadlines this test would never end.
TEST_F(PostgresConnection, AStoppedServerHoldsNobodyForLong) {
  const Options hasty{.connect_timeout_ms = 200, .call_timeout_ms = 100};
  auto connection = open(hasty);
  auto copying = open(hasty);
  ASSERT_TRUE(copying.run("CREATE TEMP TABLE t (s text)").ok());
  auto copy = Copy::begin(copying, "COPY t FROM STDIN");
  server_->freeze();
  const auto asked = connection.execute("SELECT 1");
  const auto reopened = Connection::open(url(), hasty);
  const std::string piece(std::size_t{1} << 20, 'x');
  Status written = base::Done{};
  for (int i = 0; i < 64 && written; ++i) written = copy->write(piece);
  server_->thaw();

  ASSERT_FALSE(asked.ok());
  EXPECT_TRUE(asked.error().lost);
  EXPECT_TRUE(connection.lost());
  ASSERT_FALSE(reopened.ok());
  EXPECT_NE(reopened.error().message.find("did not answer within 200 ms"), std::string::npos);
  EXPECT_EQ(reopened.error().message.find("p@ss"), std::string::npos);
  ASSERT_FALSE(written.ok());
  EXPECT_TRUE(written.error().lost);
  const auto again = connection.execute("SELECT 1");
  EXPECT_NE(again.error().message.find("the connection is lost"), std::string::npos);
}

TEST_F(PostgresConnection, AConnectionThatTheServerEndsIsLostAndSaysWhy) {
  auto connection = open();
  auto other = open();
  const auto end = [&](Connection& victim) {
    ASSERT_TRUE(
        other.execute("SELECT pg_terminate_backend($1::integer)", victim.server_process()).ok());
  };
  end(connection);
  auto asked = connection.execute("SELECT pg_sleep(30)");
  ASSERT_FALSE(asked.ok());
  EXPECT_TRUE(asked.error().lost);
  EXPECT_EQ(asked.error().sqlstate, sqlstate::kAdminShutdown) << asked.error().message;
  EXPECT_TRUE(connection.lost());

  auto copying = open();
  ASSERT_TRUE(copying.run("CREATE TEMP TABLE t (s text)").ok());
  auto copy = Copy::begin(copying, "COPY t FROM STDIN");
  ASSERT_TRUE(copy->write("one\n").ok());
  end(copying);
  Status written = base::Done{};
  for (int i = 0; i < 1000 && written; ++i) written = copy->write(std::string(100'000, 'x'));
  const auto finished = copy->finish();
  EXPECT_FALSE(written.ok() && finished.ok());
  EXPECT_TRUE(copying.lost());
}

TEST_F(PostgresConnection, SaysInOneLineWhyItCannotConnect) {
  const auto address = "127.0.0.1:" + std::to_string(server_->port());
  const std::vector<std::pair<std::string, std::string>> cases{
      {"postgresql://canvas:secret@" + address + "/postgres", "password authentication failed"},
      {"postgresql://canvas:p%40ss%20word@" + address + "/nowhere", "\"nowhere\" does not exist"},
      {"postgresql://canvas:secret@127.0.0.1:1/postgres", "Connection refused"},
      {"postgresql://canvas:secret@127.0.0.1:1,127.0.0.1:2/postgres", "Connection refused"},
      {server_->url() + "?sslmode=require", "SSL"},
  };
  for (const auto& [text, part] : cases) {
    const auto connection = Connection::open(Url::parse(text).value());
    ASSERT_FALSE(connection.ok()) << text;
    const std::string& message = connection.error().message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.find("secret"), std::string::npos) << message;
    EXPECT_TRUE(connection.error().lost);
  }
}

TEST_F(PostgresConnection, TriesTheServersOfAUrlInTurn) {
  auto text = server_->url();
  text.replace(text.find("127.0.0.1:"), 10, "127.0.0.1:1,127.0.0.1:");
  auto connection = Connection::open(Url::parse(text).value());
  ASSERT_TRUE(connection.ok()) << connection.error().message;
  EXPECT_EQ(number(*connection, "SELECT 1"), 1);
}

TEST_F(PostgresConnection, AnAdvisoryLockLastsAsLongAsItsSession) {
  auto other = open();
  {
    auto connection = open();
    EXPECT_TRUE(connection.try_lock(7).value());
    EXPECT_TRUE(connection.try_lock(7).value()) << "it is ours already";
    EXPECT_FALSE(other.try_lock(7).value());
    EXPECT_TRUE(other.try_lock(8).value());
  }
  const auto end_ms = base::steady_ms() + 30'000;
  while (!other.try_lock(7).value()) ASSERT_LT(base::steady_ms(), end_ms);
}

TEST_F(PostgresConnection, TheSessionIsSetUpToNoticeThatWeAreGone) {
  auto connection = open({.application_name = "a test", .call_timeout_ms = 4'321});
  const auto setting = [&](const std::string& name) {
    return std::string(
        connection.execute("SELECT setting FROM pg_settings WHERE name = $1", name)->bytes(0, 0));
  };
  EXPECT_EQ(setting("application_name"), "a test");
  EXPECT_EQ(setting("statement_timeout"), "4321");
  EXPECT_EQ(setting("tcp_keepalives_idle"), "10");
  EXPECT_EQ(setting("client_connection_check_interval"), "1000");
  EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "30000");
  EXPECT_EQ(connection.parameter("server_encoding"), "UTF8");
  EXPECT_EQ(connection.parameter("no_such_thing"), "");
}

TEST_F(PostgresConnection, AKilledServerIsALostConnectionAndCanBeReachedAgain) {
  support::PostgresServer server(support::PostgresServer::Disk::durable);
  const auto there = Url::parse(server.url()).value();
  auto connection = Connection::open(there).value();
  ASSERT_TRUE(connection.run("CREATE TABLE t (n int); INSERT INTO t VALUES (5)").ok());
  server.kill();
  const auto asked = connection.execute("SELECT n FROM t");
  ASSERT_FALSE(asked.ok());
  EXPECT_TRUE(asked.error().lost);
  EXPECT_FALSE(Connection::open(there).ok());
  server.start();
  auto again = Connection::open(there);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(number(*again, "SELECT n FROM t"), 5);
}

}  // namespace
}  // namespace postgres
