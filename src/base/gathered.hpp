// What waits to be written together: operations, and who is told what became of each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace base {

/// Not thread-safe: who shares one guards it.
template <class Operation, class OnAnswer>
struct Gathered {
  std::vector<Operation> operations;  // oldest first
  std::vector<OnAnswer> on_answers;   // of each

  [[nodiscard]] std::size_t size() const { return operations.size(); }
  [[nodiscard]] bool empty() const { return operations.empty(); }

  void add(Operation operation, OnAnswer on_answer) {
    operations.push_back(std::move(operation));
    on_answers.push_back(std::move(on_answer));
  }

  /// Takes the oldest away, at most `size_max` of them.
  Gathered take(std::size_t size_max) {
    if (size() <= size_max) return std::exchange(*this, {});
    Gathered taken;
    move_first(size_max, operations, taken.operations);
    move_first(size_max, on_answers, taken.on_answers);
    return taken;
  }

  template <class Answer>
  void answer_all(const Answer& answer) const {
    for (const auto& on_answer : on_answers) on_answer(answer);
  }

 private:
  template <class T>
  static void move_first(std::size_t size, std::vector<T>& from, std::vector<T>& to) {
    const auto end = from.begin() + static_cast<std::ptrdiff_t>(size);
    std::move(from.begin(), end, std::back_inserter(to));
    from.erase(from.begin(), end);
  }
};

}  // namespace base
