#include "journal/embedded/window.hpp"

#include <algorithm>
#include <cstring>

namespace journal {

std::optional<Window> Window::from(std::string_view bytes) {
  Window window;
  window.size_ = bytes.size() / sizeof(Remembered);
  if (window.size_ > window.remembered_.size()) return std::nullopt;
  if (window.size_ * sizeof(Remembered) != bytes.size()) return std::nullopt;
  std::memcpy(window.remembered_.data(), bytes.data(), bytes.size());
  return window;
}

const Remembered* Window::find(std::uint64_t sequence) const {
  const auto* const end = remembered_.data() + size_;
  const auto* const found = std::find_if(
      remembered_.data(), end, [&](const Remembered& one) { return one.sequence == sequence; });
  return found == end ? nullptr : found;
}

std::uint64_t Window::last_sequence() const {
  return size_ == 0 ? 0 : remembered_[size_ - 1].sequence;
}

void Window::remember(const Remembered& accepted) {
  if (size_ == remembered_.size()) {
    std::copy(remembered_.begin() + 1, remembered_.end(), remembered_.begin());
    --size_;
  }
  remembered_[size_++] = accepted;
}

std::string_view Window::bytes() const {
  return {reinterpret_cast<const char*>(remembered_.data()), size_ * sizeof(Remembered)};
}

}  // namespace journal
