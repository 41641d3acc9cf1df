// The people of a load: signed-in clients whose tokens are made here with the server's own key, so
// that thousands of them need no sign-in requests.
#pragma once

#include "auth/token.hpp"
#include "load/swarm.hpp"

namespace bench {

class People {
 public:
  /// Reads the server's key from the environment: APP_SECRET_KEY.
  People();

  /// The options of a client of its own person with its own producer; the same numbers for the
  /// same `run` and `index`. A new `run` starts new producers, whose sequences begin at 1.
  [[nodiscard]] load::ClientOptions client(std::uint32_t run, std::size_t index, bool live) const;

 private:
  auth::TokenSigner signer_;
};

}  // namespace bench
