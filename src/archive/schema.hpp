// The tables of migrations/ as this program knows them.
#pragma once

#include <cstdint>
#include <string>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// The number of the newest migration that this program is made for.
inline constexpr std::int64_t kSchemaVersion = 2;

/// The keys of our advisory locks.
inline constexpr std::int64_t kLeaderLock = 0x5042'4C45'4144;     // "PBLEAD"
inline constexpr std::int64_t kMigrationLock = 0x5042'4D49'4752;  // "PBMIGR"
inline constexpr std::int64_t kPartitionLock = 0x5042'5041'5254;  // "PBPART"

/// The version of the database's schema; 0 when there is none.
postgres::Result<std::int64_t> schema_version(postgres::Connection& connection);

/// Opens a connection to a database that has the schema this program needs.
Result<postgres::Connection> open_checked(const postgres::Url& url,
                                          const postgres::Options& options);

/// How far the archive has come.
Result<Cursor> read_cursor(postgres::Connection& connection);

/// The condition that a row of `table`, with the columns epoch and entry, is not void: no later
/// epoch began before it.
std::string not_void(const std::string& table);

}  // namespace archive
