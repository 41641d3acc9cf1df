// Brings the database's schema to a version, as `alembic` does for the Python originals.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>

#include "postgres/connection.hpp"

namespace archive {

/// Exit codes.
inline constexpr int kMigrated = 0;
inline constexpr int kMigrationFailed = 1;
inline constexpr int kMigrationMisused = 2;

/// Runs one command, given as its words:
///   upgrade head | <version> | +<steps>
///   downgrade base | <version> | -<steps>
///   current
///   history
/// Each migration is one transaction together with its row in schema_version, under an advisory
/// lock: any number of replicas may do this at once, and what is done already is not done again.
/// `connection` should be fresh: its call timeout is changed. Lines for people go to `out`, one
/// line about what failed to `problems`. Returns an exit code.
int migrate(postgres::Connection& connection, const std::filesystem::path& folder,
            std::span<const std::string> words, std::ostream& out, std::ostream& problems);

/// The same for a URL as DATABASE_URL gives it.
int migrate(const std::string& url, const std::filesystem::path& folder,
            std::span<const std::string> words, std::ostream& out, std::ostream& problems);

}  // namespace archive
