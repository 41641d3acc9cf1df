// A function that is called from elsewhere, held in place: making, moving and calling one never
// allocates, so that a callback may travel between threads for every placement. What it captures
// must fit; the compiler says when it does not.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace base {

template <class Signature>
class Callback;

/// Move-only. Empty after being moved from; calling an empty one is a bug.
template <class... Args>
class Callback<void(Args...)> {
 public:
  static constexpr std::size_t kBytes = 48;

  Callback() = default;

  template <class F>
  requires(!std::is_same_v<F, Callback>) Callback(F function) : table_(&kTable<F>) {
    static_assert(sizeof(F) <= kBytes, "it captures too much to be held in place");
    static_assert(alignof(F) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_move_constructible_v<F>, "it captures something const");
    ::new (static_cast<void*>(bytes_)) F(std::move(function));
  }

  Callback(Callback&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {
    if (table_ != nullptr) table_->move(other.bytes_, bytes_);
  }
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      reset();
      table_ = std::exchange(other.table_, nullptr);
      if (table_ != nullptr) table_->move(other.bytes_, bytes_);
    }
    return *this;
  }
  ~Callback() { reset(); }

  explicit operator bool() const { return table_ != nullptr; }
  void operator()(Args... args) const { table_->call(bytes_, std::forward<Args>(args)...); }

 private:
  struct Table {
    void (*call)(std::byte*, Args&&...);
    void (*move)(std::byte* from, std::byte* to) noexcept;  // and destroys `from`
    void (*destroy)(std::byte*) noexcept;
  };

  template <class Held>
  static Held& held(std::byte* bytes) {
    return *std::launder(reinterpret_cast<Held*>(bytes));
  }

  template <class Held>
  static constexpr Table kTable{
      [](std::byte* bytes, Args&&... args) { held<Held>(bytes)(std::forward<Args>(args)...); },
      [](std::byte* from, std::byte* to) noexcept {
        ::new (static_cast<void*>(to)) Held(std::move(held<Held>(from)));
        held<Held>(from).~Held();
      },
      [](std::byte* bytes) noexcept { held<Held>(bytes).~Held(); }};

  void reset() {
    if (table_ != nullptr) std::exchange(table_, nullptr)->destroy(bytes_);
  }

  const Table* table_ = nullptr;
  alignas(std::max_align_t) mutable std::byte bytes_[kBytes];
};

}  // namespace base
