// Signs the tokens of a load's people.
#include "bench/people.hpp"

#include <cstdlib>
#include <string>

#include "base/clock.hpp"
#include "bench/support.hpp"

namespace bench {

namespace {

constexpr std::int64_t kTokenLifeMs = 3'600'000;

std::string key_of_server() {
  const char* key = std::getenv("APP_SECRET_KEY");
  if (key == nullptr) fail("APP_SECRET_KEY must be the server's");
  return key;
}

}  // namespace

People::People() : signer_({key_of_server()}) {}

load::ClientOptions People::client(std::uint32_t run, std::size_t index, bool live) const {
  const auto id = static_cast<std::int64_t>(index) + 1;
  const auth::Person person{base::PersonId{-id}, "Guest " + std::to_string(id)};
  load::ClientOptions options;
  options.live = live;
  options.token = signer_.sign(person, base::wall_ms() + kTokenLifeMs);
  options.producer = base::ProducerId{std::uint64_t{run} << 32 | static_cast<std::uint64_t>(id)};
  return options;
}

}  // namespace bench
