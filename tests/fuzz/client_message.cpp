// Client messages: whatever decodes must encode to the same bytes again.
#include "fuzz.hpp"
#include "wire/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const auto message = wire::decode_client(input);
  if (message) fuzz::must(wire::encode(*message) == input, "a message has one spelling");
  return 0;
}
