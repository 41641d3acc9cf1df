#include "auth/token.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::string_view kPrefix = "v1.";
constexpr std::string_view kPurpose = "pixel-battle session v1";
constexpr std::int64_t kPersonIdEnd = std::int64_t{1} << 53;

bool is_person_id(std::int64_t id) { return id != 0 && id > -kPersonIdEnd && id < kPersonIdEnd; }

}  // namespace

TokenSigner::TokenSigner(const std::vector<std::string>& keys) {
  if (keys.empty()) throw std::invalid_argument("a token signer needs a key");
  for (const auto& key : keys) mac_keys_.push_back(base::hmac_sha256(key, kPurpose));
}

std::string TokenSigner::sign(const Person& person, std::int64_t expires_at_ms) const {
  std::string payload;
  base::put(payload, base::number(person.id));
  base::put(payload, expires_at_ms);
  payload += person.name;

  std::string token(kPrefix);
  token += base::to_base64url(payload);
  const auto mac = base::hmac_sha256(mac_keys_.front(), token);
  return token += '.' + base::to_base64url(mac);
}

base::Result<VerifiedToken, TokenError> TokenSigner::verify(std::string_view token,
                                                            std::int64_t now_ms) const {
  const auto dot = token.rfind('.');
  if (token.size() > base::limits::kTokenBytesMax || !token.starts_with(kPrefix) ||
      dot < kPrefix.size()) {
    return TokenError::invalid;
  }
  const auto signed_part = token.substr(0, dot);
  const auto mac = base::from_base64url(token.substr(dot + 1));
  if (!mac || std::none_of(mac_keys_.begin(), mac_keys_.end(), [&](const std::string& key) {
        return base::equal_constant_time(base::hmac_sha256(key, signed_part), *mac);
      })) {
    return TokenError::invalid;
  }

  const auto payload = base::from_base64url(signed_part.substr(kPrefix.size()));
  if (!payload) return TokenError::invalid;
  base::ByteReader reader(*payload);
  const auto id = reader.get<std::int64_t>();
  const auto expires_at_ms = reader.get<std::int64_t>();
  const auto name = reader.take_rest();
  if (!reader.ok() || !is_person_id(id) || name.empty() ||
      name.size() > base::limits::kNameBytesMax || !base::is_valid_utf8(name)) {
    return TokenError::invalid;
  }
  if (now_ms >= expires_at_ms) return TokenError::expired;
  return VerifiedToken{Person{base::PersonId{id}, std::string(name)}, expires_at_ms};
}

}  // namespace auth
