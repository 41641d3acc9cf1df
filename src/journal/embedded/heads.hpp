// For each pixel the offset of the last entry on it: where the pixel's history begins. From there
// every stored entry names the one before it on the same pixel, so history needs no index, and a
// placement on a random pixel dirties no page of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "canvas/board.hpp"

namespace journal {

/// One thread writes, after the entry is durable; any thread may read.
class Heads {
 public:
  explicit Heads(canvas::Size size) : size_(size), offsets_(size.area()) {}

  [[nodiscard]] canvas::Size size() const { return size_; }

  /// 0: nobody has placed there.
  [[nodiscard]] std::uint64_t at(std::uint16_t x, std::uint16_t y) const {
    return offsets_[index(x, y)].load(std::memory_order_acquire);
  }
  void set(std::uint16_t x, std::uint16_t y, std::uint64_t offset) {
    offsets_[index(x, y)].store(offset, std::memory_order_release);
  }

  /// One row as 8 bytes a pixel, for a checkpoint.
  [[nodiscard]] std::string row(std::uint16_t y) const {
    std::string bytes;
    bytes.reserve(row_bytes(size_));
    for (std::uint16_t x = 0; x < size_.width; ++x) base::put(bytes, at(x, y));
    return bytes;
  }
  /// `bytes` may be a shorter row of a smaller canvas.
  void set_row(std::uint16_t y, std::string_view bytes) {
    base::ByteReader reader(bytes);
    for (std::uint16_t x = 0; !reader.at_end(); ++x) set(x, y, reader.get<std::uint64_t>());
  }
  static std::size_t row_bytes(canvas::Size size) { return size.width * sizeof(std::uint64_t); }

 private:
  [[nodiscard]] std::size_t index(std::uint16_t x, std::uint16_t y) const {
    return std::size_t{y} * size_.width + x;
  }

  canvas::Size size_;
  std::vector<std::atomic<std::uint64_t>> offsets_;
};

}  // namespace journal
