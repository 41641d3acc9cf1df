// Telegram Mini App sign-in: checks the `initData` string that Telegram gives a Mini App.
// https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/token.hpp"
#include "base/result.hpp"

namespace auth {

enum class InitDataError : std::uint8_t { invalid, expired };

/// Immutable, thread-safe.
class TelegramVerifier {
 public:
  TelegramVerifier(std::string_view bot_token, std::int64_t age_max_s);

  /// `init_data` is the raw string, as Telegram gave it. The person's name is first and last name,
  /// else the user name, else "Telegram <id>", cut to limits::kNameBytesMax.
  [[nodiscard]] base::Result<Person, InitDataError> verify(std::string_view init_data,
                                                           std::int64_t now_ms) const;

 private:
  std::string secret_;
  std::int64_t age_max_ms_;
};

/// A new guest: a random negative id of at most 52 bits, named "Guest NNNN".
Person new_guest();

}  // namespace auth
