// The result of something that may fail in expected ways. Exceptions are for bugs and for start-up.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace base {

/// Why something failed, in one line, for the operator's log. Never shown to a client as it is:
/// what a client is told is decided where the answer is written.
struct Error {
  std::string message;
};

/// Either a value or an error. Reading the side that is not there is a bug and throws
/// std::bad_variant_access.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const E& error() const { return std::get<1>(state_); }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

 private:
  std::variant<T, E> state_;
};

/// For operations that return nothing when they succeed.
struct Done {};
using Status = Result<Done>;

}  // namespace base
