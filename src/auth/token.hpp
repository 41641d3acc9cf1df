// Session tokens: who is playing, signed by us, verifiable by any replica that has the key.
//
//     v1.<base64url of person i64 LE ‖ expires_at_ms i64 LE ‖ name UTF-8>.<base64url of a MAC>
//
// MAC = HMAC-SHA256(HMAC-SHA256(key, "pixel-battle session v1"), everything before the last dot).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace auth {

struct Person {
  base::PersonId id{};
  std::string name;  // valid UTF-8, 1 to limits::kNameBytesMax bytes
  friend bool operator==(const Person&, const Person&) = default;
};

enum class TokenError : std::uint8_t { invalid, expired };

struct VerifiedToken {
  Person person;
  std::int64_t expires_at_ms = 0;
};

/// Immutable, thread-safe. The first key signs, every key verifies.
class TokenSigner {
 public:
  /// `keys` is not empty.
  explicit TokenSigner(const std::vector<std::string>& keys);

  [[nodiscard]] std::string sign(const Person& person, std::int64_t expires_at_ms) const;
  [[nodiscard]] base::Result<VerifiedToken, TokenError> verify(std::string_view token,
                                                               std::int64_t now_ms) const;

 private:
  std::vector<std::string> mac_keys_;
};

}  // namespace auth
