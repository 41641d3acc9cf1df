// Whether a node that answers as a master is the one that everybody means: after a failover from a
// master that was only thought dead there are two for a while.
#pragma once

namespace redis {

enum class Mastership {
  held,     // most of those who decide about it answer, and nobody doubts it
  doubted,  // it is being replaced, maybe; or too few can be asked
  lost,     // another one is
};

}  // namespace redis
