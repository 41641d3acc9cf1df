// The board: one byte a pixel, row-major. What the journal's entries add up to.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "canvas/operation.hpp"

namespace canvas {

struct Size {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  [[nodiscard]] std::uint32_t area() const { return std::uint32_t{width} * height; }
  [[nodiscard]] bool contains(std::uint32_t x, std::uint32_t y) const {
    return x < width && y < height;
  }
  friend bool operator==(const Size&, const Size&) = default;
};

/// A value type; not thread-safe.
class Board {
 public:
  explicit Board(Size size, std::uint8_t fill = 0)
      : size_(size), pixels_(size.area(), static_cast<char>(fill)) {}
  /// `pixels` holds size.area() bytes.
  Board(Size size, std::string pixels) : size_(size), pixels_(std::move(pixels)) {}

  [[nodiscard]] Size size() const { return size_; }
  [[nodiscard]] const std::string& pixels() const { return pixels_; }
  [[nodiscard]] std::uint32_t index(std::uint16_t x, std::uint16_t y) const {
    return std::uint32_t{y} * size_.width + x;
  }
  [[nodiscard]] std::uint8_t at(std::uint16_t x, std::uint16_t y) const {
    return static_cast<std::uint8_t>(pixels_[index(x, y)]);
  }
  void set(std::uint16_t x, std::uint16_t y, std::uint8_t color) {
    pixels_[index(x, y)] = static_cast<char>(color);
  }
  void apply(const Entry& entry) { set(entry.x, entry.y, entry.color); }

  /// The same picture on a larger canvas, top left; new pixels get `fill`. `size` is not smaller.
  [[nodiscard]] Board enlarged(Size size, std::uint8_t fill) const;

  friend bool operator==(const Board&, const Board&) = default;

 private:
  Size size_;
  std::string pixels_;
};

}  // namespace canvas
