#include "load/progress.hpp"

#include <cmath>
#include <sstream>

namespace load {

namespace {

constexpr std::int64_t kEveryNs = 1'000'000'000;
constexpr std::int64_t kElsewhereEveryNs = 5 * kEveryNs;

}  // namespace

std::string short_number(double value) {
  std::ostringstream text;
  text.precision(value < 100 ? 3 : 15);
  text << (value < 100 ? value : std::round(value));
  return text.str();
}

bool Progress::due(std::int64_t now_ns) const {
  return now_ns - told_ns_ >= (terminal_ ? kEveryNs : kElsewhereEveryNs);
}

void Progress::tell(std::int64_t now_ns, const Gauge& gauge) {
  if (began_ns_ == 0) {  // nothing has happened yet
    began_ns_ = told_ns_ = now_ns;
    return;
  }
  const auto passed_s = static_cast<double>(now_ns - told_ns_) * 1e-9;
  const auto per_second = [passed_s](std::uint64_t now, std::uint64_t before) {
    return std::llround(static_cast<double>(now - before) / passed_s);
  };
  std::ostringstream line;
  line << (now_ns - began_ns_) / kEveryNs << " s: " << gauge.live << " clients live, "
       << per_second(gauge.deltas, before_.deltas) << " deltas/s, "
       << per_second(gauge.placements, before_.placements) << " placements/s, p99 ";
  line << short_number(gauge.p99_ms) << " ms, " << gauge.errors << " errors, " << gauge.faults
       << " faults, " << gauge.reconnects << " reconnects";
  say(line.str());
  told_ns_ = now_ns;
  before_ = gauge;
}

void Progress::say(const std::string& text) {
  if (terminal_) {
    // Over the line before; what is too long for the terminal is cut off, not wrapped.
    err_ << "\r\x1b[K\x1b[?7l" << text << "\x1b[?7h" << std::flush;
    open_ = true;
  } else {
    err_ << text << std::endl;
  }
}

void Progress::end() {
  if (open_) err_ << std::endl;
  open_ = false;
}

}  // namespace load
