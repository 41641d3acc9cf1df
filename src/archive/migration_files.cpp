#include "archive/migration_files.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace archive {

namespace {

constexpr std::string_view kUp = ".up.sql";
constexpr std::string_view kDown = ".down.sql";
constexpr std::size_t kDigits = 4;

/// Takes one file up; an error when it contradicts another.
base::Status add(std::map<std::int64_t, Migration>& found, const std::filesystem::path& path) {
  const std::string file = path.filename();
  const std::string_view ending = file.ends_with(kUp) ? kUp : kDown;
  if (!file.ends_with(ending) || file.size() < kDigits + 1 + ending.size()) return base::Done{};
  const auto version = base::parse_number<std::int64_t>(std::string_view(file).substr(0, kDigits));
  if (!version || *version < 1 || file[kDigits] != '_') return base::Done{};
  const std::string name = file.substr(kDigits + 1, file.size() - kDigits - 1 - ending.size());
  Migration& migration = found[*version];
  migration.version = *version;
  if (migration.name.empty()) migration.name = name;
  if (migration.name != name) {
    return base::Error{"two migrations are numbered " + four_digits(*version) + ": " +
                       migration.name + " and " + name};
  }
  (ending == kUp ? migration.up : migration.down) = path;
  return base::Done{};
}

}  // namespace

base::Result<std::vector<Migration>> find_migrations(const std::filesystem::path& folder) {
  std::error_code failed;
  std::map<std::int64_t, Migration> found;
  for (std::filesystem::directory_iterator files(folder, failed), end; !failed && files != end;
       files.increment(failed)) {
    if (auto added = add(found, files->path()); !added) return added.error();
  }
  if (failed) return base::Error{folder.string() + ": " + failed.message()};
  if (found.empty()) return base::Error{folder.string() + " holds no migrations"};
  std::vector<Migration> migrations;
  for (auto& [version, migration] : found) {
    const auto expected = static_cast<std::int64_t>(migrations.size()) + 1;
    if (version != expected) {
      return base::Error{"migration " + four_digits(expected) + " is missing"};
    }
    if (migration.up.empty() || migration.down.empty()) {
      return base::Error{"migration " + four_digits(version) + "_" + migration.name +
                         " lacks its " + (migration.up.empty() ? ".up.sql" : ".down.sql")};
    }
    migrations.push_back(std::move(migration));
  }
  return migrations;
}

base::Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return base::Error{"cannot read " + path.string()};
  return text;
}

std::string four_digits(std::int64_t version) {
  std::string digits = std::to_string(version);
  return std::string(digits.size() < kDigits ? kDigits - digits.size() : 0, '0') + digits;
}

}  // namespace archive
