// The SQLite driver.
#include "sqlite/database.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include <stdlib.h>

namespace sqlite {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() {
    std::string name = std::filesystem::temp_directory_path() / "sqlite-test-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~DatabaseTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_ + "/test.db"; }
  Database open(Database::Mode mode = Database::Mode::read_write) { return {path(), mode}; }

  std::string folder_;
};

TEST_F(DatabaseTest, KeepsNumbersTextsAndBlobs) {
  Database database = open();
  database.execute("CREATE TABLE t (n INTEGER, s TEXT, b BLOB) STRICT");
  Statement insert(database, "INSERT INTO t VALUES (?, ?, ?)");
  const std::string bytes("\0\1\xff", 3);
  insert.run(-5, "größer", Blob{bytes});
  insert.run(UINT64_MAX, "", Blob{});

  Statement select(database, "SELECT n, s, b FROM t ORDER BY rowid");
  Cursor row = select.query();
  ASSERT_TRUE(row.next());
  EXPECT_EQ(row.integer(0), -5);
  EXPECT_EQ(row.bytes(1), "größer");
  EXPECT_EQ(row.bytes(2), bytes);
  ASSERT_TRUE(row.next());
  EXPECT_EQ(row.as<std::uint64_t>(0), UINT64_MAX);
  EXPECT_EQ(row.bytes(1), "");
  EXPECT_EQ(row.bytes(2), "");
  EXPECT_FALSE(row.next());
}

TEST_F(DatabaseTest, AStatementRunsAgainAfterARowWasLeft) {
  Database database = open();
  Statement select(database, "SELECT ? UNION ALL SELECT 2");
  for (std::int64_t value = 5; value < 8; ++value) {
    Cursor row = select.query(value);
    ASSERT_TRUE(row.next());
    EXPECT_EQ(row.integer(0), value);
  }
}

TEST_F(DatabaseTest, NumberIsTheFirstColumnOfTheFirstRow) {
  Database database = open();
  EXPECT_EQ(database.number("SELECT 42"), 42);
  EXPECT_EQ(database.number("SELECT 1 WHERE 0"), 0);
}

TEST_F(DatabaseTest, ATransactionThatIsNotCommittedIsRolledBack) {
  Database database = open();
  database.execute("CREATE TABLE t (n)");
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
    EXPECT_TRUE(database.in_transaction());
  }
  EXPECT_FALSE(database.in_transaction());
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (2)");
    transaction.commit();
  }
  EXPECT_EQ(database.number("SELECT sum(n) FROM t"), 2);
}

TEST_F(DatabaseTest, SaysWhatFailed) {
  Database database = open();
  try {
    database.execute("SELECT * FROM missing");
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("no such table: missing"), std::string::npos);
    EXPECT_FALSE(failure.write_refused());
    EXPECT_FALSE(failure.disk_full());
  }
  EXPECT_THROW(Statement(database, "SELEC"), Failure);
  EXPECT_THROW(Database(folder_ + "/missing/test.db", Database::Mode::read_write), Failure);
}

TEST_F(DatabaseTest, AFullDatabaseIsARefusedWriteThatCanBeTriedAgain) {
  Database database = open();
  database.execute("CREATE TABLE t (b)");
  database.execute("PRAGMA max_page_count = 3");
  const auto fill = [&] {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (zeroblob(100000))");
    transaction.commit();
  };
  try {
    fill();
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_TRUE(failure.disk_full());
    EXPECT_TRUE(failure.write_refused());
  }
  EXPECT_FALSE(database.in_transaction());
  database.execute("PRAGMA max_page_count = 1000");
  fill();
  EXPECT_EQ(database.number("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, AReadOnlyConnectionReadsAndCannotWrite) {
  Database writer = open();
  writer.execute("PRAGMA journal_mode = WAL");
  writer.execute("CREATE TABLE t (n)");
  Database reader = open(Database::Mode::read_only);
  EXPECT_EQ(reader.number("SELECT count(*) FROM t"), 0);
  writer.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(reader.number("SELECT count(*) FROM t"), 1);
  EXPECT_THROW(reader.execute("INSERT INTO t VALUES (2)"), Failure);
}

TEST_F(DatabaseTest, TheLogCanBeCutToNothing) {
  Database database = open();
  database.execute("PRAGMA journal_mode = WAL");
  database.execute("CREATE TABLE t (n)");
  EXPECT_GT(std::filesystem::file_size(path() + "-wal"), 0U);
  database.truncate_log();
  EXPECT_EQ(std::filesystem::file_size(path() + "-wal"), 0U);
  EXPECT_EQ(database.number("SELECT count(*) FROM t"), 0);
}

}  // namespace
}  // namespace sqlite
