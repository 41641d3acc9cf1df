// Where a database is and who asks, as DATABASE_URL says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace postgres {

/// postgresql://user:password@host:port,host:port/database?option=value, with every option of
/// libpq. The schemes postgres:// and those with the name of a Python driver are understood too:
/// postgresql+asyncpg:// (its option `ssl` is libpq's `sslmode`), +psycopg2:// and +psycopg://.
/// A password may hold any character but `?`, percent-encoded or not. A value type.
class Url {
 public:
  /// The error names no password.
  static base::Result<Url> parse(std::string_view text);

  /// libpq's keywords and values; some values are secret.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& options() const {
    return options_;
  }
  [[nodiscard]] std::optional<std::string_view> option(std::string_view keyword) const;
  /// For people: without the password and without options.
  [[nodiscard]] std::string without_password() const;
  /// How many servers may be tried, one after the other.
  [[nodiscard]] std::size_t hosts() const;

 private:
  void set(std::string_view keyword, std::string value);
  base::Status read_authority(std::string_view authority);
  base::Status read_hosts(std::string_view text);
  base::Status read_query(std::string_view query);
  base::Status read_option(std::string_view keyword, std::string value);

  std::vector<std::pair<std::string, std::string>> options_;
};

}  // namespace postgres
