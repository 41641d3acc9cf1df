#include "load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace load {

namespace {

// Every power of two of microseconds has as many classes; below that each microsecond is one.
constexpr unsigned kClassBits = 6;
constexpr std::uint64_t kClasses = 1U << kClassBits;
constexpr std::uint64_t kMaxUs = (std::uint64_t{1} << 36) - 1;  // 19 hours

std::size_t class_of(std::uint64_t us) {
  if (us < kClasses) return us;
  const auto shift = static_cast<unsigned>(std::bit_width(us)) - kClassBits - 1;
  return kClasses * shift + (us >> shift);
}

/// The largest duration of the class.
std::uint64_t last_us(std::size_t index) {
  if (index < 2 * kClasses) return index;
  const auto shift = index / kClasses - 1;
  return ((index % kClasses + kClasses + 1) << shift) - 1;
}

double ms(std::uint64_t us) { return static_cast<double>(us) / 1000; }

}  // namespace

Histogram::Histogram() : classes_(class_of(kMaxUs) + 1) {}

void Histogram::add(std::int64_t duration_ns) {
  const auto us =
      std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0)) / 1000, kMaxUs);
  ++classes_[class_of(us)];
  ++count_;
  max_us_ = std::max(max_us_, us);
}

void Histogram::clear() {
  std::ranges::fill(classes_, 0);
  count_ = max_us_ = 0;
}

std::optional<double> Histogram::percentile_ms(double percent) const {
  if (count_ == 0) return std::nullopt;
  const auto wanted = std::max(1.0, std::ceil(static_cast<double>(count_) * percent / 100));
  std::uint64_t passed = 0;
  std::size_t index = 0;
  for (; index < classes_.size(); ++index) {
    passed += classes_[index];
    if (static_cast<double>(passed) >= wanted) break;
  }
  return ms(std::min(last_us(index), max_us_));
}

std::optional<double> Histogram::max_ms() const {
  if (count_ == 0) return std::nullopt;
  return ms(max_us_);
}

}  // namespace load
