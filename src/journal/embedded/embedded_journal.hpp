// The journal of the embedded profile: one SQLite file, one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "canvas/board.hpp"
#include "canvas/cooldown.hpp"
#include "journal/journal.hpp"

namespace journal {

struct EmbeddedOptions {
  std::string data_dir;  // created (mode 0700) when missing; holds journal.db and the lock
  canvas::Size size;     // may be larger than at the last start, never smaller
  std::uint8_t blank_color = 0;
  canvas::Rules rules;
  Observers observers;
  /// Milliseconds since 1970 when start() asks, going on steadily; thread-safe. Empty:
  /// base::SteadyWallClock. Time never falls behind the last entry whatever it says.
  std::function<std::int64_t()> now_ms;
};

/// Opens nothing yet. The destructor calls stop(). stop() must not be called from a callback.
std::unique_ptr<Journal> make_embedded(EmbeddedOptions options);

}  // namespace journal
