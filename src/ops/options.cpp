#include "ops/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <limits>
#include <type_traits>

#include <arpa/inet.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace ops {

namespace {

namespace limits = base::limits;

using Wrong = std::optional<std::string>;

constexpr std::size_t kHostNameMax = 253;

/// How an option's value is read: the range for people and the function that stores it.
struct Reader {
  std::string range;
  std::function<Wrong(Config&, const std::string&)> store;
};

std::string range_of(std::int64_t min, std::int64_t max) {
  return std::to_string(min) + " – " + std::to_string(max);
}

template <class T>
Reader number(T Config::*member, std::int64_t min, std::int64_t max) {
  return {range_of(min, max), [=](Config& config, const std::string& text) -> Wrong {
            const auto value = base::parse_number<std::int64_t>(text);
            if (!value || *value < min || *value > max) {
              return "is not a whole number from " + std::to_string(min) + " to " +
                     std::to_string(max);
            }
            config.*member = static_cast<T>(*value);
            return std::nullopt;
          }};
}

Reader on_or_off(bool Config::*member) {
  return {"on, off", [=](Config& config, const std::string& text) -> Wrong {
            const bool on = text == "on" || text == "true" || text == "1";
            if (!on && text != "off" && text != "false" && text != "0") {
              return "is neither on nor off";
            }
            config.*member = on;
            return std::nullopt;
          }};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Reader one_of(const std::vector<std::string>& choices, std::string Config::*member) {
  const auto range = joined(choices);
  return {range, [=](Config& config, const std::string& text) -> Wrong {
            if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
              return "is none of: " + range;
            }
            config.*member = text;
            return std::nullopt;
          }};
}

Reader development_or_production(bool Config::*production) {
  return {"development, production", [=](Config& config, const std::string& text) -> Wrong {
            if (text != "development" && text != "production") {
              return "is neither development nor production";
            }
            config.*production = text == "production";
            return std::nullopt;
          }};
}

using Check = Wrong (*)(const std::string&);

Reader checked_text(std::string range, std::string Config::*member, Check check) {
  return {std::move(range), [=](Config& config, const std::string& text) -> Wrong {
            auto wrong = check(text);
            if (!wrong) config.*member = text;
            return wrong;
          }};
}

/// Comma-separated, spaces around each allowed; every part must pass `check`. Empty: an empty list.
Reader list(std::string range, std::vector<std::string> Config::*member, Check check) {
  return {std::move(range), [=](Config& config, const std::string& text) -> Wrong {
            std::vector<std::string> parts;
            for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
              const auto end = std::min(text.find(',', begin), text.size());
              auto part = text.substr(begin, end - begin);
              part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
              part.erase(part.find_last_not_of(' ') + 1);
              if (auto wrong = check(part)) return wrong;
              parts.push_back(std::move(part));
              begin = end + 1;
            }
            config.*member = std::move(parts);
            return std::nullopt;
          }};
}

Wrong anything(const std::string&) { return std::nullopt; }

Wrong not_empty(const std::string& text) { return text.empty() ? Wrong("is empty") : std::nullopt; }

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

std::optional<int> address_bits(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (::inet_pton(AF_INET, text.c_str(), address.data()) == 1) return 32;
  if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return 128;
  return std::nullopt;
}

Wrong ip_address(const std::string& text) {
  return address_bits(text) ? std::nullopt : Wrong("is not an IP address");
}

Wrong host_name(const std::string& text) {
  const bool fits = !text.empty() && text.size() <= kHostNameMax &&
                    text.find_first_of("/@?#[]%,") == std::string::npos && is_visible_ascii(text);
  return fits ? std::nullopt : Wrong("is not a host name or address");
}

Wrong ip_network(const std::string& text) {
  const auto slash = text.find('/');
  const auto bits = address_bits(text.substr(0, slash));
  const auto prefix =
      slash == std::string::npos ? bits : base::parse_number<int>(text.substr(slash + 1));
  if (bits && prefix && *prefix >= 0 && *prefix <= *bits) return std::nullopt;
  return "holds something that is neither an IP address nor a CIDR";
}

Wrong web_origin(const std::string& text) {
  const auto scheme = text.find("://");
  const bool known = text.starts_with("http://") || text.starts_with("https://");
  const bool host = known && scheme + 3 < text.size() &&
                    text.find_first_of("/?#@*", scheme + 3) == std::string::npos;
  if (host && is_visible_ascii(text)) return std::nullopt;
  return "holds something that is not an origin such as https://example.org";
}

Wrong telegram_address(const std::string& text) {
  if (text.starts_with("https://t.me/") && is_visible_ascii(text)) return std::nullopt;
  return "does not begin with https://t.me/";
}

Wrong signing_key(const std::string& text) {
  constexpr std::size_t kKeyCharactersMin = 16;
  if (text.size() >= kKeyCharactersMin) return std::nullopt;
  return "every key must have 16 characters or more";
}

Wrong header_word(const std::string& text) {
  if (!text.empty() && text.size() <= kReplicaNameMax && is_visible_ascii(text)) {
    return std::nullopt;
  }
  return "is not 1 to 64 visible ASCII characters";
}

Wrong canvas_name(const std::string& text) {
  const bool printable = std::none_of(text.begin(), text.end(),
                                      [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
  if (!text.empty() && text.size() <= limits::kNameBytesMax && printable &&
      base::is_valid_utf8(text)) {
    return std::nullopt;
  }
  return "is not 1 to 64 bytes of printable UTF-8";
}

/// Requests a second, which may have a fraction.
Reader rate(double Config::*member, std::int64_t max) {
  return {range_of(0, max), [=](Config& config, const std::string& text) -> Wrong {
            double value = 0;
            const auto* end = text.data() + text.size();
            const auto parsed = std::from_chars(text.data(), end, value);
            if (parsed.ec != std::errc{} || parsed.ptr != end ||
                !(value >= 0 && value <= static_cast<double>(max))) {
              return "is not a number from 0 to " + std::to_string(max);
            }
            config.*member = value;
            return std::nullopt;
          }};
}

Option option(std::string name, std::string standard, Reader reader, std::string meaning) {
  return {std::move(name), std::move(standard), std::move(reader.range), std::move(meaning),
          std::move(reader.store)};
}

Option secret(Option option) {
  option.secret = true;
  return option;
}

Option empty_counts(Option option) {
  option.empty_counts = true;
  return option;
}

/// What every program of ours has.
std::vector<Option> options_of_a_server() {
  using C = Config;
  return {
      option("PORT", "8000", number(&C::port, 0, 65535),
             "where to listen (0: any free port, printed)"),
      option("HOST", "0.0.0.0", checked_text("an address", &C::host, ip_address),
             "the address to listen on"),
      option("DATA_DIR", "./data", checked_text("a folder", &C::data_dir, not_empty),
             "where the embedded profile keeps its work"),
      secret(option("REDIS_URL", "–", checked_text("see docs/stores.md", &C::redis_url, anything),
                    "the work is kept in Redis: any number of replicas")),
      option("LOG_LEVEL", "info", one_of({"debug", "info", "warning", "error"}, &C::log_level), ""),
      option("LOG_FORMAT", "text", one_of({"text", "json"}, &C::log_format), ""),
      option("REPLICA_NAME", "host name",
             checked_text("1 – 64 characters", &C::replica_name, header_word),
             "shown as X-Served-By"),
      option("TICK_MS_MAX", "200", number(&C::tick_ms_max, limits::kTickMsMin, 5000),
             "longest time between two live updates under load"),
      option("CONNECTIONS_MAX", "15000", number(&C::connections_max, 10, 1'000'000),
             "open connections in all"),
      option("TRUSTED_PROXIES", "–",
             list("addresses or CIDRs, comma-separated", &C::trusted_proxies, ip_network),
             "whose X-Forwarded-For counts"),
      option("DRAIN_UNREADY_MS", "0", number(&C::drain_unready_ms, 0, 60'000),
             "unready but still serving, before the drain proper"),
      option("DRAIN_LIMIT_MS", "10000", number(&C::drain_limit_ms, 100, 600'000),
             "the whole drain at most"),
  };
}

/// Options that both programs have with defaults of their own.
std::vector<Option> options_with(std::string_view threads, std::string_view channel,
                                 std::string_view web_dir, std::string_view connections,
                                 std::string_view requests) {
  using C = Config;
  return {
      option("THREADS", std::string(threads), number(&C::threads, 1, kThreadsMax),
             "network threads"),
      option("REDIS_PUBSUB_CHANNEL", std::string(channel),
             checked_text("1 – 64 characters", &C::redis_pubsub_channel, header_word),
             "where replicas tell each other what happens"),
      empty_counts(option("WEB_DIR", std::string(web_dir),
                          checked_text("a folder", &C::web_dir, anything),
                          "the built front end; empty: none is served")),
      option("CONNECTIONS_PER_ADDRESS_MAX", std::string(connections),
             number(&C::connections_per_address_max, 0, 1'000'000),
             "from one address; 0: no limit"),
      option("RATE_LIMIT_PER_ADDRESS", std::string(requests),
             rate(&C::rate_limit_per_address, 1'000'000),
             "requests a second from one address, bursts of twice that; 0: off"),
  };
}

/// Who plays.
std::vector<Option> options_of_the_players() {
  using C = Config;
  return {
      secret(option("DATABASE_URL", "–",
                    checked_text("see docs/stores.md", &C::database_url, anything),
                    "the history is in PostgreSQL")),
      option("MIGRATIONS_DIR", "migrations",
             checked_text("a folder", &C::migrations_dir, not_empty),
             "where the command migrate finds its files"),
      option("APP_ENV", "development", development_or_production(&C::production),
             "in production a missing APP_SECRET_KEY stops the start"),
      secret(option("APP_SECRET_KEY", "random, with a warning",
                    list("16 characters or more each", &C::secret_keys, signing_key),
                    "comma-separated: the first signs session tokens, all verify")),
      option("SESSION_TTL_S", "2592000", number(&C::session_ttl_s, 60, 31'536'000),
             "life of a session token"),
      secret(option("TELEGRAM_BOT_TOKEN", "–", checked_text("", &C::telegram_bot_token, anything),
                    "switches Telegram sign-in on")),
      option("TELEGRAM_AUTH_AGE_S", "3600", number(&C::telegram_auth_age_s, 60, 86'400),
             "oldest initData accepted"),
      option("TELEGRAM_APP_URL", "–",
             checked_text("an https://t.me/ address", &C::telegram_app_url, telegram_address),
             "where \"Open in Telegram\" leads"),
      option("GUESTS", "on", on_or_off(&C::guests), "may people play without Telegram"),
      option("GUEST_LIMIT_PER_ADDRESS", "120", rate(&C::guest_limit_per_address, 1'000'000),
             "new guests a minute from one address, bursts of twice that; 0: off"),
      option("ALLOWED_ORIGINS", "–",
             list("origins, comma-separated", &C::allowed_origins, web_origin),
             "besides the own host, for WebSockets"),
  };
}

/// What is played.
std::vector<Option> options_of_the_canvas() {
  using C = Config;
  return {
      option("CANVAS_NAME", "Pixel Battle",
             checked_text("1 – 64 bytes", &C::canvas_name, canvas_name), ""),
      option("CANVAS_WIDTH", "1000",
             number(&C::canvas_width, limits::kCanvasSideMin, limits::kCanvasSideMax),
             "may grow from one start to the next, never shrink"),
      option("CANVAS_HEIGHT", "1000",
             number(&C::canvas_height, limits::kCanvasSideMin, limits::kCanvasSideMax), ""),
      option("CANVAS_FROZEN", "off", on_or_off(&C::canvas_frozen), "read-only"),
      option("COOLDOWN_MS", "5000", number(&C::cooldown_ms, 0, limits::kCooldownMsMax),
             "a charge comes back every so many ms; 0: no cooldown"),
      option("CHARGES_MAX", "5", number(&C::charges_max, 1, limits::kChargesMax),
             "charges a person can hold"),
  };
}

/// Where the counter's Redis is, in parts instead of REDIS_URL.
std::vector<Option> options_of_redis_in_parts() {
  using C = Config;
  return {
      option("REDIS_HOST", "–", checked_text("a host name or address", &C::redis_host, host_name),
             "instead of REDIS_URL: one Redis server"),
      option("REDIS_PORT", "6379", number(&C::redis_port, 1, 65535), "of REDIS_HOST"),
      option("REDIS_DB", "0", number(&C::redis_db, 0, 1'000'000), "of REDIS_HOST"),
      secret(option("REDIS_PASSWORD", "–", checked_text("", &C::redis_password, anything),
                    "of REDIS_HOST")),
  };
}

using Options = std::vector<Option>;

Options joined(std::initializer_list<Options> parts) {
  Options all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

const std::vector<Option>& options(Program program) {
  static const Options canvas = joined(
      {options_of_a_server(), options_with("cores", "pixel-battle", "web/dist", "1000", "200"),
       options_of_the_players(), options_of_the_canvas()});
  static const Options counter =
      joined({options_of_a_server(), options_with("1", "counter-app", "web/dist-counter", "0", "0"),
              options_of_redis_in_parts()});
  return program == Program::counter ? counter : canvas;
}

std::string flag_of(const Option& option) {
  std::string flag = "--" + option.name;
  for (char& c : flag) {
    if (c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return flag;
}

std::string shown(std::string_view value) {
  constexpr std::size_t kShownBytesMax = 64;
  std::string text = "\"";
  for (const char c : base::truncate_utf8(value, kShownBytesMax)) {
    text += (c >= 0 && c < ' ') || c == 0x7F ? '?' : c;
  }
  return text += value.size() > kShownBytesMax ? "…\"" : "\"";
}

}  // namespace ops
