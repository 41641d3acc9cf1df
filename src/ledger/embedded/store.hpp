// The embedded ledger's tables and every statement on them. Errors are sqlite::Failure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "counter/press.hpp"
#include "sqlite/database.hpp"

namespace ledger {

/// What a key was used for, and what was answered.
struct Keyed {
  std::string name;
  counter::Verb verb{};
  counter::Answer answer;
};

/// One thread at a time.
class Store {
 public:
  /// Throws std::runtime_error when the file is none of ours.
  explicit Store(const std::string& path);

  [[nodiscard]] std::map<std::string, std::int64_t, std::less<>> counters();
  [[nodiscard]] std::optional<Keyed> find_key(std::string_view key);

  // In the caller's transaction.
  void put_counter(std::string_view name, std::int64_t value);
  void put_key(std::string_view key, const Keyed& keyed, std::int64_t now_ms);
  /// Forgets some of the keys that were used before `before_ms`.
  void forget_keys(std::int64_t before_ms);

  /// Writes something, to see whether that works.
  void probe();
  sqlite::Database& database() { return database_; }

 private:
  sqlite::Database database_;
  sqlite::Statement find_key_;
  sqlite::Statement put_counter_;
  sqlite::Statement put_key_;
  sqlite::Statement forget_keys_;
};

}  // namespace ledger
