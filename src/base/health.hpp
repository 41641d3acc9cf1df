// How a store is doing.
#pragma once

#include <string>

namespace base {

/// For readiness and operators. `detail` names no secret.
struct Health {
  bool writable = false;
  std::string detail;
};

}  // namespace base
