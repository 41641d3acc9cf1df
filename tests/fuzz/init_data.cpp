// Telegram init data: the raw input as a stranger sends it, and the same bytes as the user's JSON
// in correctly signed data, so that what comes after the signature is reached too.
#include "auth/telegram.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"

namespace {

const std::string kBotToken = "7342037359:AAHgoldenVectorsOnly-not_a_real_token";
constexpr std::int64_t kNowMs = 1'767'225'610'000;
constexpr std::int64_t kIdEnd = std::int64_t{1} << 53;

void check(const base::Result<auth::Person, auth::InitDataError>& verified) {
  if (!verified) return;
  const auto id = base::number(verified->id);
  fuzz::must(id > 0 && id < kIdEnd, "an id is positive and exact in a double");
  fuzz::must(!verified->name.empty(), "everybody has a name");
  fuzz::must(verified->name.size() <= base::limits::kNameBytesMax, "a name is bounded");
  fuzz::must(base::is_valid_utf8(verified->name), "a name is UTF-8");
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) encoded += '%' + base::to_hex(std::string_view(&c, 1));
  return encoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auth::TelegramVerifier verifier(kBotToken, 3600);
  static const auto secret = base::hmac_sha256("WebAppData", kBotToken);
  const auto input = fuzz::text_of(data, size);
  check(verifier.verify(input, kNowMs));

  const auto signed_text = "auth_date=1767225600\nuser=" + std::string(input);
  const auto hash = base::to_hex(base::hmac_sha256(secret, signed_text));
  check(verifier.verify("auth_date=1767225600&user=" + percent_encoded(input) + "&hash=" + hash,
                        kNowMs));
  return 0;
}
