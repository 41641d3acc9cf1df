#include "auth/telegram.hpp"

#include <map>
#include <optional>

#include <boost/json.hpp>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

namespace json = boost::json;

constexpr std::int64_t kUserIdEnd = std::int64_t{1} << 53;
constexpr std::int64_t kClockSkewMs = 60'000;  // how far Telegram's clock may be ahead of ours
constexpr std::int64_t kAuthDateMaxS = 1'000'000'000'000;  // so that milliseconds cannot overflow

using Fields = std::map<std::string, std::string, std::less<>>;  // sorted, as they are signed

/// The decoded fields, or nullopt when something is not `key=value` or a key comes twice.
std::optional<Fields> split(std::string_view init_data) {
  Fields fields;
  while (true) {
    const auto field = init_data.substr(0, init_data.find('&'));
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    auto key = base::percent_decode(field.substr(0, equals));
    auto value = base::percent_decode(field.substr(equals + 1));
    if (!key || !value) return std::nullopt;
    if (!fields.emplace(*std::move(key), *std::move(value)).second) return std::nullopt;
    if (field.size() == init_data.size()) return fields;
    init_data.remove_prefix(field.size() + 1);
  }
}

std::string check_string(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) {
    if (!text.empty()) text += '\n';
    text += key + '=' + value;
  }
  return text;
}

/// Control characters become spaces, and spaces around go.
std::string tidied(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if ((c >= 0 && c < ' ') || c == 0x7F) c = ' ';
  }
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string member_text(const json::object& user, std::string_view key) {
  const auto* found = user.if_contains(json::string_view(key.data(), key.size()));
  const auto* text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr ? std::string(text->data(), text->size()) : std::string();
}

std::string name_of(const json::object& user, std::int64_t id) {
  auto name = tidied(member_text(user, "first_name") + ' ' + member_text(user, "last_name"));
  if (name.empty()) name = tidied(member_text(user, "username"));
  if (name.empty()) name = "Telegram " + std::to_string(id);
  return std::string(base::truncate_utf8(name, base::limits::kNameBytesMax));
}

std::optional<Person> parse_user(const std::string& text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& user = value.get_object();
  const auto* id = user.if_contains("id");
  // Numbers up to 2^63 parse as int64; the larger ones are refused anyway.
  if (id == nullptr || !id->is_int64()) return std::nullopt;
  const std::int64_t number = id->get_int64();
  if (number <= 0 || number >= kUserIdEnd) return std::nullopt;
  return Person{base::PersonId{number}, name_of(user, number)};
}

}  // namespace

TelegramVerifier::TelegramVerifier(std::string_view bot_token, std::int64_t age_max_s)
    : secret_(base::hmac_sha256("WebAppData", bot_token)), age_max_ms_(age_max_s * 1000) {}

base::Result<Person, InitDataError> TelegramVerifier::verify(std::string_view init_data,
                                                             std::int64_t now_ms) const {
  if (init_data.size() > base::limits::kAuthBodyBytesMax) return InitDataError::invalid;
  auto fields = split(init_data);
  if (!fields) return InitDataError::invalid;
  const auto hash = fields->extract("hash");
  if (hash.empty()) return InitDataError::invalid;
  const auto expected = base::to_hex(base::hmac_sha256(secret_, check_string(*fields)));
  if (!base::equal_constant_time(expected, hash.mapped())) return InitDataError::invalid;

  const auto date = fields->find("auth_date");
  if (date == fields->end()) return InitDataError::invalid;
  const auto auth_date_s = base::parse_number<std::int64_t>(date->second);
  if (!auth_date_s || *auth_date_s < 0 || *auth_date_s > kAuthDateMaxS) {
    return InitDataError::invalid;
  }
  const std::int64_t age_ms = now_ms - *auth_date_s * 1000;
  if (age_ms < -kClockSkewMs) return InitDataError::invalid;
  if (age_ms > age_max_ms_) return InitDataError::expired;

  const auto user = fields->find("user");
  if (user == fields->end()) return InitDataError::invalid;
  auto person = parse_user(user->second);
  if (!person) return InitDataError::invalid;
  return *std::move(person);
}

Person new_guest() {
  constexpr std::uint64_t kGuestBits = (std::uint64_t{1} << 52) - 1;
  std::uint64_t random = 0;
  while (random == 0) random = base::random_u64() & kGuestBits;
  auto digits = std::to_string(random % 10'000);
  digits.insert(0, 4 - digits.size(), '0');
  return {base::PersonId{-static_cast<std::int64_t>(random)}, "Guest " + digits};
}

}  // namespace auth
