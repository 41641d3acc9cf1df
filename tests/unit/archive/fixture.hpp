// A real PostgreSQL for the tests of the archive, and in it a database for each test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "archive/archive.hpp"
#include "archive/migrations.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/unit/archive/scribe.hpp"

namespace archive {

inline constexpr const char* kMigrations = "migrations";  // tests run in the project's root

/// Fails the test that calls it when the result is an error.
template <class T, class E>
T must(base::Result<T, E> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

inline postgres::Url url_of(const std::string& text) { return must(postgres::Url::parse(text)); }

class ArchiveTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<support::PostgresServer>(); }
  static void TearDownTestSuite() { server_.reset(); }

  ArchiveTest() {
    auto connection = must(postgres::Connection::open(url_of(server_->url())));
    database_ = "test" + std::to_string(++databases_);
    must(connection.run("CREATE DATABASE " + database_));
  }

  /// What the command printed; what it complained of, after "problem: ", when it fails.
  std::string migrate(std::vector<std::string> words, const std::string& folder = kMigrations) {
    std::ostringstream out;
    std::ostringstream problems;
    const int code = archive::migrate(url(), folder, words, out, problems);
    EXPECT_EQ(code == 0, problems.str().empty());
    return out.str() + (code == 0 ? "" : "problem: " + problems.str());
  }

  [[nodiscard]] std::string url() const { return server_->url(database_); }
  [[nodiscard]] postgres::Connection connect() const {
    return must(postgres::Connection::open(url_of(url())));
  }
  [[nodiscard]] Archive open() const { return must(Archive::open(url_of(url()))); }

  static std::unique_ptr<support::PostgresServer> server_;

 private:
  static inline int databases_ = 0;
  std::string database_;
};

inline std::unique_ptr<support::PostgresServer> ArchiveTest::server_;

/// The same with the tables there, an archive opened and a journal to fill it from.
class FilledArchiveTest : public ArchiveTest {
 protected:
  FilledArchiveTest() {
    migrate({"upgrade", "head"});
    archive_ = std::make_unique<Archive>(open());
  }

  /// Archives what the scribe has made since the last time.
  Status append(const std::vector<ArchivedEntry>& entries,
                const std::vector<NewEpoch>& epochs = {}) {
    const Cursor expected = archived_;
    auto appended = archive_->append(entries, epochs, expected, scribe_.cursor());
    if (appended) archived_ = scribe_.cursor();
    return appended;
  }
  /// A first epoch with so many entries.
  void fill(std::size_t entries) {
    const auto epoch = scribe_.begin_epoch(0);
    must(append(scribe_.place(entries), {epoch}));
  }
  std::int64_t number(const std::string& sql) {
    auto connection = connect();
    return must(connection.execute(sql)).integer(0, 0);
  }
  void change(const std::string& sql) {
    auto connection = connect();
    must(connection.run(sql));
  }

  std::unique_ptr<Archive> archive_;
  Scribe scribe_;
  Cursor archived_;
};

}  // namespace archive
