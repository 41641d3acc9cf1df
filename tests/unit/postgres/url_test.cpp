// Database URLs, as people and Python projects write them.
#include "postgres/url.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace postgres {
namespace {

using Options = std::map<std::string, std::string>;

struct Case {
  std::string text;
  Options options;
  std::string shown;  // without_password()
};

const std::vector<Case> kGood{
    {"postgresql://db/canvas", {{"host", "db"}, {"dbname", "canvas"}}, "postgresql://db/canvas"},
    {"postgres://ann:pw@db:5433/canvas",
     {{"user", "ann"}, {"password", "pw"}, {"host", "db"}, {"port", "5433"}, {"dbname", "canvas"}},
     "postgresql://ann:***@db:5433/canvas"},
    {"postgresql+asyncpg://ann:pw@db/canvas?ssl=require",
     {{"user", "ann"},
      {"password", "pw"},
      {"host", "db"},
      {"dbname", "canvas"},
      {"sslmode", "require"}},
     "postgresql://ann:***@db/canvas"},
    {"postgresql+asyncpg://db/canvas?ssl=verify-full&prepared_statement_cache_size=0",
     {{"host", "db"}, {"dbname", "canvas"}, {"sslmode", "verify-full"}},
     "postgresql://db/canvas"},
    {"postgresql+psycopg2://ann@db/canvas?sslmode=verify-ca&connect_timeout=3",
     {{"user", "ann"},
      {"host", "db"},
      {"dbname", "canvas"},
      {"sslmode", "verify-ca"},
      {"connect_timeout", "3"}},
     "postgresql://ann@db/canvas"},
    {"postgresql+psycopg://ann@db", {{"user", "ann"}, {"host", "db"}}, "postgresql://ann@db"},
    {"postgresql://ann:p%40ss%2Fw%3Fo@db/my%20canvas",
     {{"user", "ann"}, {"password", "p@ss/w?o"}, {"host", "db"}, {"dbname", "my canvas"}},
     "postgresql://ann:***@db/my canvas"},
    {"postgresql://ann:p@s:s/w#o%@db:1/canvas",
     {{"user", "ann"},
      {"password", "p@s:s/w#o%"},
      {"host", "db"},
      {"port", "1"},
      {"dbname", "canvas"}},
     "postgresql://ann:***@db:1/canvas"},
    {"postgresql://[::1]:5433/canvas",
     {{"host", "::1"}, {"port", "5433"}, {"dbname", "canvas"}},
     "postgresql://[::1]:5433/canvas"},
    {"postgresql://a:5432,b:5433/canvas",
     {{"host", "a,b"},
      {"port", "5432,5433"},
      {"dbname", "canvas"},
      {"target_session_attrs", "read-write"}},
     "postgresql://a:5432,b:5433/canvas"},
    {"postgresql://a,b/canvas?target_session_attrs=any",
     {{"host", "a,b"}, {"dbname", "canvas"}, {"target_session_attrs", "any"}},
     "postgresql://a,b/canvas"},
    {"postgresql://ann@/canvas?host=/var/run/postgresql&password=pw",
     {{"user", "ann"}, {"password", "pw"}, {"host", "/var/run/postgresql"}, {"dbname", "canvas"}},
     "postgresql://ann:***@/var/run/postgresql/canvas"},
    {"postgresql://", {}, "postgresql://"},
};

TEST(PostgresUrl, IsUnderstoodAsWritten) {
  for (const Case& c : kGood) {
    const auto url = Url::parse(c.text);
    ASSERT_TRUE(url.ok()) << c.text << ": " << url.error().message;
    EXPECT_EQ(Options(url->options().begin(), url->options().end()), c.options) << c.text;
    EXPECT_EQ(url->without_password(), c.shown) << c.text;
  }
}

TEST(PostgresUrl, NamesWhatIsWrongWithoutThePassword) {
  const std::map<std::string, std::string> bad{
      {"", "begins with postgresql://"},
      {"db/canvas", "begins with postgresql://"},
      {"mysql://u:secret@db/canvas", "begins with postgresql://"},
      {"postgresql+pg8000://u:secret@db/canvas", "begins with postgresql://"},
      {"postgresql://u:secret@db:http/canvas", "port"},
      {"postgresql://u:secret@db:0/canvas", "port"},
      {"postgresql://u:secret@db:65536/canvas", "port"},
      {"postgresql://u:secret@db/canvas?ssl=true", "ssl is"},
      {"postgresql://u:secret@db/canvas?sslmode=on", "ssl is"},
      {"postgresql://u:secret@db/canvas?color=red", "does not know: color"},
      {"postgresql://u%4:secret@db/canvas", "user's name"},
      {"postgresql://u:secret@db/%zz", "database's name"},
      {"postgresql://u:secret@d%b/canvas", "host's name"},
      {"postgresql://u:secret%00@db/canvas", "password holds a zero byte"},
      {"postgresql://u:secret@db/canvas?options=%", "option options"},
  };
  for (const auto& [text, part] : bad) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_NE(url.error().message.find(part), std::string::npos) << url.error().message;
    EXPECT_EQ(url.error().message.find("secret"), std::string::npos) << url.error().message;
  }
}

}  // namespace
}  // namespace postgres
