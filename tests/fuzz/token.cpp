// Session tokens: the raw input as a stranger sends it, and the same bytes as a correctly signed
// payload. Whatever is accepted must be exactly what we would have signed.
#include "auth/token.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"

namespace {

const std::string kKey = "the key of the fuzzer, long enough";
constexpr std::int64_t kNowMs = 1'767'225'600'000;

void check(const auth::TokenSigner& signer, std::string_view token) {
  const auto verified = signer.verify(token, kNowMs);
  if (!verified) return;
  fuzz::must(verified->expires_at_ms > kNowMs, "an accepted token has not expired");
  fuzz::must(signer.sign(verified->person, verified->expires_at_ms) == token,
             "a token has one spelling");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auth::TokenSigner signer({kKey});
  static const auto mac_key = base::hmac_sha256(kKey, "pixel-battle session v1");
  const auto input = fuzz::text_of(data, size);
  check(signer, input);

  const auto head = "v1." + base::to_base64url(input);
  check(signer, head + '.' + base::to_base64url(base::hmac_sha256(mac_key, head)));
  return 0;
}
