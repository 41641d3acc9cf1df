// What a statement gave back.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>

struct pg_result;

namespace postgres {

/// The rows of a result, all in memory. Rows and columns count from 0; asking for one that is not
/// there is a bug and throws std::logic_error. A value type that can be moved.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}  // takes it over

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// How many rows an INSERT, UPDATE, DELETE or COPY changed.
  [[nodiscard]] std::uint64_t changed() const;

  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
  /// A smallint, integer, bigint or boolean; 0 for null. Another type throws std::logic_error.
  [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;
  template <class T>
  [[nodiscard]] T as(std::size_t row, std::size_t column) const {
    return static_cast<T>(integer(row, column));
  }
  /// A text or a bytea; empty for null. Valid as long as the rows.
  [[nodiscard]] std::string_view bytes(std::size_t row, std::size_t column) const;

 private:
  void check(std::size_t row, std::size_t column) const;

  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace postgres
