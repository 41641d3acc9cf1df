// Draws the canvases of the benchmarks; the same ones every time.
#include "bench/drawing.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "bench/support.hpp"
#include "canvas/palette.hpp"

namespace bench {

namespace {

constexpr auto kColors = static_cast<std::uint32_t>(std::size(canvas::kDefaultPalette));

class Painter {
 public:
  Painter(canvas::Size size, std::size_t dots) : size_(size), dots_max_(dots) {
    dots_.reserve(dots);
  }

  std::vector<Dot> paint() {
    while (!full()) {
      for (auto& color : colors_) color = static_cast<std::uint8_t>(random_.below(kColors));
      const int x = static_cast<int>(random_.below(size_.width));
      const int y = static_cast<int>(random_.below(size_.height));
      switch (random_.below(3)) {
        case 0:
          flag(x, y);
          break;
        case 1:
          disc(x, y);
          break;
        default:
          stroke(x, y);
          break;
      }
    }
    return std::move(dots_);
  }

 private:
  [[nodiscard]] bool full() const { return dots_.size() >= dots_max_; }

  void dot(int x, int y, std::uint8_t color) {
    if (full() || x < 0 || y < 0 ||
        !size_.contains(static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y))) {
      return;
    }
    if (random_.below(40) == 0) color = static_cast<std::uint8_t>(random_.below(kColors));
    dots_.push_back({static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), color});
  }

  void flag(int left, int top) {
    const int width = 30 + static_cast<int>(random_.below(90));
    const int stripe = 6 + static_cast<int>(random_.below(14));
    for (int y = 0; y < 3 * stripe; ++y) {
      for (int x = 0; x < width; ++x) {
        dot(left + x, top + y, colors_[static_cast<std::size_t>(y / stripe)]);
      }
    }
  }

  void disc(int center_x, int center_y) {
    const int radius = 6 + static_cast<int>(random_.below(24));
    for (int y = -radius; y <= radius; ++y) {
      for (int x = -radius; x <= radius; ++x) {
        const int distance = x * x + y * y;
        if (distance > radius * radius) continue;
        const bool rim = distance > (radius - 2) * (radius - 2);
        dot(center_x + x, center_y + y, colors_[rim ? 0 : 1]);
      }
    }
  }

  void stroke(int x, int y) {
    const int steps = 300 + static_cast<int>(random_.below(1200));
    int toward_x = 1;
    int toward_y = 0;
    for (int step = 0; step < steps; ++step) {
      if (random_.below(12) == 0) {
        toward_x = static_cast<int>(random_.below(3)) - 1;
        toward_y = static_cast<int>(random_.below(3)) - 1;
      }
      x += toward_x;
      y += toward_y;
      dot(x, y, colors_[0]);
      dot(x + 1, y, colors_[0]);
    }
  }

  const canvas::Size size_;
  const std::size_t dots_max_;
  Random random_{2022};
  std::array<std::uint8_t, 3> colors_{};
  std::vector<Dot> dots_;
};

}  // namespace

std::vector<Dot> drawing(canvas::Size size, std::size_t dots) {
  return Painter(size, dots).paint();
}

std::vector<Dot> noise(canvas::Size size, std::size_t dots) {
  Random random(31);
  std::vector<Dot> all;
  all.reserve(dots);
  for (std::size_t i = 0; i < dots; ++i) {
    const auto index = static_cast<std::uint32_t>(i % size.area());
    all.push_back({static_cast<std::uint16_t>(index % size.width),
                   static_cast<std::uint16_t>(index / size.width),
                   static_cast<std::uint8_t>(random.below(kColors))});
  }
  return all;
}

}  // namespace bench
