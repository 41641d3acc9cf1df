#include "archive/partitions.hpp"

#include <chrono>
#include <cstdio>

#include "archive/schema.hpp"
#include "base/text.hpp"

namespace archive {

namespace {

/// Attached rather than made in place: that waits for nobody who reads, not even for a backup.
postgres::Status create(postgres::Connection& connection, std::int64_t day) {
  auto transaction = postgres::Transaction::begin(connection);
  if (!transaction) return transaction.error();
  const std::string name = partition_name(day);
  auto rows = connection.execute("SELECT pg_advisory_xact_lock($1)", kPartitionLock);
  if (!rows) return rows.error();
  rows = connection.execute(
      "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass($1) AND "
      "inhparent = 'entries'::regclass)",
      name);
  if (!rows) return rows.error();
  if (rows->as<bool>(0, 0)) return transaction->commit();
  auto created = connection.run("CREATE TABLE IF NOT EXISTS " + name +
                                " (LIKE entries); ALTER TABLE entries ATTACH PARTITION " + name +
                                " FOR VALUES FROM (" + std::to_string(day * kDayMs) + ") TO (" +
                                std::to_string((day + 1) * kDayMs) + ")");
  if (!created) return created;
  return transaction->commit();
}

}  // namespace

std::string partition_name(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  char text[32];
  std::snprintf(text, sizeof text, "entries_%04d%02u%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::optional<std::int64_t> day_of_partition(std::string_view name) {
  constexpr std::string_view kPrefix = "entries_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto digits = name.substr(kPrefix.size());
  const auto number = base::parse_number<std::uint32_t>(digits);
  if (digits.size() != 8 || !number) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*number / 10'000)),
                                         std::chrono::month(*number / 100 % 100),
                                         std::chrono::day(*number % 100)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

Status Partitions::ensure(postgres::Connection& connection, const std::set<std::int64_t>& days) {
  for (const std::int64_t day : days) {
    if (known_.contains(day)) continue;
    const auto created = create(connection, day);
    if (!created) return error_from(created.error());
    known_.insert(day);
  }
  return base::Done{};
}

}  // namespace archive
