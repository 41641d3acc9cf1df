// Migrations: up, down, from many replicas at once, and what they say.
#include "archive/migrations.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "archive/migration_files.hpp"
#include "archive/schema.hpp"
#include "tests/unit/archive/fixture.hpp"

namespace archive {
namespace {

class MigrationsTest : public ArchiveTest {
 protected:
  MigrationsTest() {
    std::string name = std::filesystem::temp_directory_path() / "migrations-test-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~MigrationsTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& sql) const {
    std::ofstream(folder_ + "/" + name) << sql;
  }
  void write_three() const {
    write("0001_one.up.sql", "CREATE TABLE one (n int); -- first\nINSERT INTO one VALUES (1);");
    write("0001_one.down.sql", "DROP TABLE one;");
    write("0002_two_words.up.sql", "CREATE TABLE two (n int)");
    write("0002_two_words.down.sql", "DROP TABLE two");
    write("0003_three.up.sql", "CREATE TABLE three (n int);");
    write("0003_three.down.sql", "DROP TABLE three;");
    write("README.md", "not a migration");
  }
  std::string run(std::vector<std::string> words) { return migrate(std::move(words), folder_); }
  bool has_table(const std::string& name) {
    auto connection = connect();
    return must(connection.execute("SELECT to_regclass($1) IS NOT NULL", name)).as<bool>(0, 0);
  }

  std::string folder_;
};

TEST_F(MigrationsTest, GoUpAndDownInSteps) {
  write_three();
  EXPECT_EQ(run({"current"}), "");
  EXPECT_EQ(run({"upgrade", "+1"}), "Running upgrade  -> 0001, one\n");
  EXPECT_EQ(run({"current"}), "0001\n");
  EXPECT_EQ(run({"upgrade", "head"}),
            "Running upgrade 0001 -> 0002, two_words\nRunning upgrade 0002 -> 0003, three\n");
  EXPECT_EQ(run({"current"}), "0003 (head)\n");
  EXPECT_EQ(run({"upgrade", "head"}), "");
  EXPECT_EQ(run({"upgrade", "0002"}), "") << "it is there already";
  EXPECT_EQ(run({"downgrade", "-1"}), "Running downgrade 0003 -> 0002, three\n");
  EXPECT_FALSE(has_table("three"));
  EXPECT_EQ(run({"downgrade", "1"}), "Running downgrade 0002 -> 0001, two_words\n");
  EXPECT_EQ(run({"upgrade", "0002"}), "Running upgrade 0001 -> 0002, two_words\n");
  EXPECT_EQ(run({"downgrade", "base"}),
            "Running downgrade 0002 -> 0001, two_words\nRunning downgrade 0001 -> , one\n");
  EXPECT_FALSE(has_table("one"));
  EXPECT_EQ(run({"current"}), "");
  EXPECT_EQ(run({"downgrade", "base"}), "");
  EXPECT_EQ(run({"history"}),
            "0002 -> 0003 (head), three\n0001 -> 0002, two_words\n<base> -> 0001, one\n");
}

TEST_F(MigrationsTest, AFailedOneLeavesTheVersionBeforeIt) {
  write_three();
  write("0002_two_words.up.sql", "CREATE TABLE two (n int); INSERT INTO two VALUES ('x');");
  EXPECT_EQ(run({"upgrade", "head"}),
            "Running upgrade  -> 0001, one\n"
            "problem: 0002_two_words.up.sql: invalid input syntax for type integer: \"x\" "
            "[22P02]\n");
  EXPECT_FALSE(has_table("two"));
  EXPECT_EQ(run({"current"}), "0001\n");
  write("0002_two_words.up.sql", "CREATE TABLE two (n int)");
  EXPECT_EQ(run({"upgrade", "+2"}),
            "Running upgrade 0001 -> 0002, two_words\nRunning upgrade 0002 -> 0003, three\n");
}

TEST_F(MigrationsTest, SayWhatIsWrongInOneLine) {
  EXPECT_NE(run({"upgrade", "head"}).find("holds no migrations"), std::string::npos);
  write_three();
  EXPECT_EQ(run({"upgrade", "4"}), "problem: there is no migration 0004\n");
  EXPECT_EQ(run({"upgrade", "+4"}),
            "problem: there are not so many migrations: the database is at 0000 of 0003\n");
  EXPECT_EQ(run({"downgrade", "-1"}),
            "problem: there are not so many migrations: the database is at 0000 of 0003\n");
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"upgrade"},
                                                                 {"upgrade", "-1"},
                                                                 {"upgrade", "+0"},
                                                                 {"upgrade", "base"},
                                                                 {"downgrade", "head"},
                                                                 {"downgrade", "+1"},
                                                                 {"upgrade", "head", "now"},
                                                                 {"stamp", "head"}}) {
    EXPECT_EQ(run(words).rfind("problem: usage: ", 0), 0U) << testing::PrintToString(words);
  }
  EXPECT_EQ(run({"upgrade", "head"}).find("problem"), std::string::npos);
  std::filesystem::remove(folder_ + "/0003_three.up.sql");
  EXPECT_EQ(run({"current"}), "problem: migration 0003_three lacks its .up.sql\n");
  std::filesystem::remove(folder_ + "/0003_three.down.sql");
  EXPECT_EQ(run({"upgrade", "head"}),
            "problem: the database has schema version 0003, the newest migration here is 0002\n");
  write("0002_other.up.sql", "");
  EXPECT_EQ(run({"history"}).find("problem: two migrations are numbered 0002"), 0U);
  std::filesystem::remove(folder_ + "/0002_other.up.sql");
  std::filesystem::remove(folder_ + "/0001_one.up.sql");
  std::filesystem::remove(folder_ + "/0001_one.down.sql");
  EXPECT_EQ(run({"history"}), "problem: migration 0001 is missing\n");

  std::ostringstream out;
  std::ostringstream problems;
  const std::vector<std::string> words{"upgrade", "head"};
  EXPECT_EQ(archive::migrate("postgresql://u:secret@127.0.0.1:1/x", folder_, words, out, problems),
            kMigrationFailed);
  EXPECT_EQ(archive::migrate("mysql://u:secret@127.0.0.1:1/x", kMigrations, words, out, problems),
            kMigrationFailed);
  EXPECT_EQ(problems.str().find("secret"), std::string::npos) << problems.str();
}

TEST_F(MigrationsTest, ManyAtOnceDoEachStepOnce) {
  write_three();
  // Slow enough that all are there while it runs.
  write("0001_one.up.sql", "SELECT pg_sleep(0.5); CREATE TABLE one (n int)");
  std::vector<std::string> said(8);
  std::vector<std::thread> replicas;
  for (std::string& words : said) {
    replicas.emplace_back([&] {
      std::ostringstream out;
      std::ostringstream problems;
      const std::vector<std::string> command{"upgrade", "head"};
      archive::migrate(url(), folder_, command, out, problems);
      words = out.str() + problems.str();
    });
  }
  for (std::thread& replica : replicas) replica.join();
  std::string all;
  std::size_t waited = 0;
  for (const std::string& words : said) {
    all += words;
    waited += words.starts_with("Waiting for another migration to finish\n") ? 1 : 0;
  }
  EXPECT_EQ(all.find("problem"), std::string::npos) << all;
  for (const char* step :
       {" -> 0001, one\n", "0001 -> 0002, two_words\n", "0002 -> 0003, three\n"}) {
    const auto first = all.find(step);
    EXPECT_NE(first, std::string::npos) << all;
    EXPECT_EQ(all.find(step, first + 1), std::string::npos) << all;
  }
  EXPECT_GE(waited, 1U);
  EXPECT_EQ(run({"current"}), "0003 (head)\n");
}

TEST_F(MigrationsTest, OursMakeTheSchemaThatTheProgramNeedsAndTakeItAway) {
  const auto found = find_migrations(kMigrations);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(static_cast<std::int64_t>(found->size()), kSchemaVersion);
  const auto opened = [&] { return Archive::open(url_of(url())); };
  EXPECT_EQ(opened().error().message,
            "the database has no schema yet: run `alembic upgrade head` first");
  EXPECT_EQ(opened().error().kind, Failed::wrong_schema);

  migrate({"upgrade", "+1"});
  EXPECT_EQ(opened().error().message,
            "the database has schema version 1, this program needs version 2: run `alembic upgrade "
            "head` first");
  migrate({"upgrade", "head"});
  EXPECT_TRUE(opened().ok());
  EXPECT_EQ(must(open().cursor()), Cursor{});

  auto connection = connect();
  must(connection.run("INSERT INTO schema_version (version, name) VALUES (3, 'newer')"));
  EXPECT_EQ(opened().error().message,
            "the database has schema version 3, this program needs version 2: it was made by a "
            "newer release");
  must(connection.run("DELETE FROM schema_version WHERE version = 3"));

  Scribe scribe;
  const std::vector<NewEpoch> epochs{scribe.begin_epoch(0)};
  auto filled = open();
  must(filled.append(scribe.place(10), epochs, {}, scribe.cursor()));
  EXPECT_EQ(migrate({"downgrade", "base"}),
            "Running downgrade 0002 -> 0001, boards\nRunning downgrade 0001 -> , history\n");
  EXPECT_EQ(must(connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = "
                                    "'public'::regnamespace AND relkind IN ('r', 'p')"))
                .integer(0, 0),
            1)
      << "only schema_version is left";
  EXPECT_EQ(migrate({"upgrade", "head"}).find("problem"), std::string::npos);
}

TEST_F(MigrationsTest, ADatabaseOfAnotherEncodingIsRefused) {
  auto connection = connect();
  must(connection.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"));
  const auto opened = Archive::open(url_of(server_->url("latin")));
  EXPECT_EQ(opened.error().message, "the database is not encoded in UTF8");
}

}  // namespace
}  // namespace archive
