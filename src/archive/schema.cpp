#include "archive/schema.hpp"

#include <utility>

namespace archive {

namespace {

// Every query here is meant to follow an index, however little the server knows of a partition that
// was empty yesterday; compiling a plan would take longer than running it.
constexpr const char* kPlans =
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off";

Error wrong_version(std::int64_t found) {
  std::string message = found == 0
                            ? "the database has no schema yet"
                            : "the database has schema version " + std::to_string(found) +
                                  ", this program needs version " + std::to_string(kSchemaVersion);
  message += found < kSchemaVersion ? ": run `alembic upgrade head` first"
                                    : ": it was made by a newer release";
  return {Failed::wrong_schema, std::move(message)};
}

}  // namespace

postgres::Result<std::int64_t> schema_version(postgres::Connection& connection) {
  auto rows = connection.execute("SELECT to_regclass('schema_version') IS NOT NULL");
  if (!rows) return rows.error();
  if (!rows->as<bool>(0, 0)) return std::int64_t{0};
  rows = connection.execute("SELECT coalesce(max(version), 0)::bigint FROM schema_version");
  if (!rows) return rows.error();
  return rows->integer(0, 0);
}

Result<postgres::Connection> open_checked(const postgres::Url& url,
                                          const postgres::Options& options) {
  auto connection = postgres::Connection::open(url, options);
  if (!connection) return error_from(connection.error());
  if (connection->parameter("server_encoding") != "UTF8") {
    return Error{Failed::wrong_schema, "the database is not encoded in UTF8"};
  }
  const auto version = schema_version(*connection);
  if (!version) return error_from(version.error());
  if (*version != kSchemaVersion) return wrong_version(*version);
  if (auto set = connection->run(kPlans); !set) return error_from(set.error());
  return std::move(connection).value();
}

Result<Cursor> read_cursor(postgres::Connection& connection) {
  const auto rows = connection.execute("SELECT epoch, entry, digest FROM cursor");
  if (!rows) return error_from(rows.error());
  if (rows->size() != 1) return Error{Failed::damaged, "the cursor is missing"};
  return Cursor{{rows->as<std::uint64_t>(0, 0), rows->as<std::uint64_t>(0, 1)},
                rows->as<std::uint64_t>(0, 2)};
}

std::string not_void(const std::string& table) {
  return "NOT EXISTS (SELECT FROM epochs AS later WHERE later.epoch > " + table +
         ".epoch AND later.base < " + table + ".entry)";
}

}  // namespace archive
