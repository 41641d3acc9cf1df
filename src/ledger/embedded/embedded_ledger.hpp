// The ledger of the embedded profile: one SQLite file, one process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ledger/ledger.hpp"

namespace ledger {

struct EmbeddedOptions {
  std::string data_dir;  // created (mode 0700) when missing; holds counter.db and the lock
  /// Milliseconds since 1970, on the ledger's thread. Empty: the system's clock.
  std::function<std::int64_t()> now_ms;
};

/// Opens nothing yet. The destructor calls stop(). stop() must not be called from a callback.
std::unique_ptr<Ledger> make_embedded(EmbeddedOptions options);

}  // namespace ledger
