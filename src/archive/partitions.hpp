// The partitions of `entries`: one a day, made before it is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "archive/types.hpp"
#include "postgres/connection.hpp"

namespace archive {

/// Days since 1970, UTC.
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t day_of(std::int64_t time_ms) {
  return time_ms / kDayMs - (time_ms % kDayMs < 0 ? 1 : 0);
}

/// Such as entries_20260131.
std::string partition_name(std::int64_t day);
/// The day of such a name; nullopt for any other.
std::optional<std::int64_t> day_of_partition(std::string_view name);

/// Remembers which partitions are there. Belongs to the owner of the connection.
class Partitions {
 public:
  /// Makes those that are missing, each in a transaction of its own; two programs may do so at
  /// once. Not within a transaction.
  Status ensure(postgres::Connection& connection, const std::set<std::int64_t>& days);
  /// One that was remembered has gone.
  void forget() { known_.clear(); }

 private:
  std::set<std::int64_t> known_;
};

}  // namespace archive
