// The migrations that a folder holds: NNNN_name.up.sql with NNNN_name.down.sql, from 0001 on
// without a gap.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace archive {

struct Migration {
  std::int64_t version = 0;
  std::string name;
  std::filesystem::path up;
  std::filesystem::path down;
};

/// In order: the one of version v is at v - 1. Other files are ignored; two of one number, a gap
/// or a missing direction are an error.
base::Result<std::vector<Migration>> find_migrations(const std::filesystem::path& folder);

base::Result<std::string> read_file(const std::filesystem::path& path);

/// 7 as 0007.
std::string four_digits(std::int64_t version);

}  // namespace archive
