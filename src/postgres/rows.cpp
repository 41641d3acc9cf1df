#include "postgres/rows.hpp"

#include <stdexcept>

#include <libpq-fe.h>

#include "base/text.hpp"
#include "postgres/values.hpp"

namespace postgres {

void Rows::Clear::operator()(pg_result* result) const { ::PQclear(result); }

std::size_t Rows::size() const { return static_cast<std::size_t>(::PQntuples(result_.get())); }

void Rows::check(std::size_t row, std::size_t column) const {
  const auto columns = static_cast<std::size_t>(::PQnfields(result_.get()));
  if (row >= size() || column >= columns) throw std::logic_error("no such row or column");
}

std::uint64_t Rows::changed() const {
  return base::parse_number<std::uint64_t>(::PQcmdTuples(result_.get())).value_or(0);
}

bool Rows::is_null(std::size_t row, std::size_t column) const {
  check(row, column);
  return ::PQgetisnull(result_.get(), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  if (is_null(row, column)) return 0;
  const std::string_view data = bytes(row, column);
  std::uint64_t value = 0;
  for (const char byte : data) value = value << 8 | static_cast<std::uint8_t>(byte);
  switch (::PQftype(result_.get(), static_cast<int>(column))) {
    case type::kBool:
    case type::kBigint:
      return static_cast<std::int64_t>(value);
    case type::kSmallint:
      return static_cast<std::int16_t>(value);
    case type::kInteger:
      return static_cast<std::int32_t>(value);
    default:
      throw std::logic_error("the column holds no whole numbers");
  }
}

std::string_view Rows::bytes(std::size_t row, std::size_t column) const {
  check(row, column);
  const int r = static_cast<int>(row);
  const int c = static_cast<int>(column);
  return {::PQgetvalue(result_.get(), r, c),
          static_cast<std::size_t>(::PQgetlength(result_.get(), r, c))};
}

}  // namespace postgres
