#include "journal/embedded/window.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace journal {

namespace {

// Eight operations a few hundred entries apart.
constexpr std::size_t kUsualBytes = 72;

void put_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

std::uint64_t get_number(base::ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = reader.get<std::uint8_t>();
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

}  // namespace

std::string Window::encoded() const {
  std::string bytes;
  bytes.reserve(kUsualBytes);
  Remembered before;
  for (std::size_t i = 0; i < size_; ++i) {
    const Remembered& one = remembered_[i];
    put_number(bytes, one.sequence - before.sequence);
    put_number(bytes, one.offset - before.offset);
    put_number(bytes, one.charges.left);
    put_number(bytes, one.charges.next_charge_ms);
    before = one;
  }
  return bytes;
}

std::optional<Window> Window::decoded(std::string_view bytes) {
  Window window;
  base::ByteReader reader(bytes);
  Remembered one;
  while (!reader.at_end() && window.size_ < window.remembered_.size()) {
    one.sequence += get_number(reader);
    one.offset += get_number(reader);
    one.charges.left = static_cast<std::uint32_t>(get_number(reader));
    one.charges.next_charge_ms = static_cast<std::uint32_t>(get_number(reader));
    window.remembered_[window.size_++] = one;
  }
  if (!reader.complete()) return std::nullopt;
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

}  // namespace journal
