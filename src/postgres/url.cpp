#include "postgres/url.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <libpq-fe.h>

#include "base/text.hpp"

namespace postgres {

namespace {

constexpr std::array<std::string_view, 5> kSchemes{"postgresql", "postgres", "postgresql+asyncpg",
                                                   "postgresql+psycopg2", "postgresql+psycopg"};
constexpr std::array<std::string_view, 6> kSslModes{"disable", "allow",     "prefer",
                                                    "require", "verify-ca", "verify-full"};
// Options of Python's drivers that say how they work, not where the database is.
constexpr std::array<std::string_view, 6> kIgnored{
    "async_fallback", "command_timeout",      "prepared_statement_cache_size",
    "timeout",        "statement_cache_size", "prepared_statement_name_func"};

template <class Words>
bool contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool libpq_knows(std::string_view keyword) {
  const std::unique_ptr<PQconninfoOption, decltype(&::PQconninfoFree)> known(::PQconndefaults(),
                                                                             ::PQconninfoFree);
  for (const auto* option = known.get(); option != nullptr && option->keyword != nullptr;
       ++option) {
    if (keyword == option->keyword) return true;
  }
  return false;
}

bool is_port(std::string_view text) {
  const auto number = base::parse_number<std::uint16_t>(text);
  return number.has_value() && *number != 0;
}

/// Splits at the first `separator`; all is before it when there is none.
std::pair<std::string_view, std::string_view> split(std::string_view text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

base::Result<Url> Url::parse(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || !contains(kSchemes, text.substr(0, scheme_end))) {
    return base::Error{
        "not a PostgreSQL URL: it begins with postgresql:// (or postgres://, "
        "postgresql+asyncpg://, postgresql+psycopg2://)"};
  }
  const auto [place, query] = split(text.substr(scheme_end + 3), '?');
  // The last @ ends the password, so that one that was not encoded works too.
  const auto at = place.rfind('@');
  const auto path = place.find('/', at == std::string_view::npos ? 0 : at);
  Url url;
  if (auto read = url.read_authority(place.substr(0, path)); !read) return read.error();
  if (path != std::string_view::npos && path + 1 < place.size()) {
    auto database = base::percent_decode(place.substr(path + 1));
    if (!database) return base::Error{"a broken %-escape in the database's name"};
    url.set("dbname", std::move(*database));
  }
  if (auto read = url.read_query(query); !read) return read.error();
  for (const auto& [keyword, value] : url.options_) {
    if (value.find('\0') != std::string::npos) return base::Error{keyword + " holds a zero byte"};
  }
  // Of several servers the one that takes writes is meant.
  if (url.hosts() > 1 && !url.option("target_session_attrs")) {
    url.set("target_session_attrs", "read-write");
  }
  return url;
}

base::Status Url::read_authority(std::string_view authority) {
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return read_hosts(authority);
  const auto [user_text, password_text] = split(authority.substr(0, at), ':');
  auto user = base::percent_decode(user_text);
  if (!user) return base::Error{"a broken %-escape in the user's name"};
  // A % that begins no escape can only be the password's own.
  auto password = base::percent_decode(password_text);
  if (!user->empty()) set("user", std::move(*user));
  if (!password_text.empty()) {
    set("password", password ? std::move(*password) : std::string(password_text));
  }
  return read_hosts(authority.substr(at + 1));
}

base::Status Url::read_hosts(std::string_view text) {
  if (text.empty()) return base::Done{};
  std::string hosts;
  std::string ports;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    std::string_view host = text.substr(0, comma);
    text = more ? text.substr(comma + 1) : std::string_view{};
    std::string_view port;
    const auto bracket = host.rfind(']');
    const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
      if (!port.empty() && !is_port(port)) return base::Error{"the port is not 1 to 65535"};
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    auto decoded = base::percent_decode(host);
    if (!decoded) return base::Error{"a broken %-escape in the host's name"};
    hosts += *decoded;
    ports += port;
    if (more) hosts += ',', ports += ',';
  }
  if (!hosts.empty()) set("host", std::move(hosts));
  if (ports.find_first_not_of(',') != std::string::npos) set("port", std::move(ports));
  return base::Done{};
}

base::Status Url::read_query(std::string_view query) {
  while (!query.empty()) {
    const auto [part, rest] = split(query, '&');
    query = rest;
    if (part.empty()) continue;
    const auto [keyword, text] = split(part, '=');
    auto value = base::percent_decode(text);
    if (!value) return base::Error{"a broken %-escape in the option " + std::string(keyword)};
    if (auto read = read_option(keyword, std::move(*value)); !read) return read;
  }
  return base::Done{};
}

base::Status Url::read_option(std::string_view keyword, std::string value) {
  if (contains(kIgnored, keyword)) return base::Done{};
  if (keyword == "ssl") keyword = "sslmode";  // asyncpg's word
  if (keyword == "sslmode" && !contains(kSslModes, value)) {
    return base::Error{"ssl is disable, allow, prefer, require, verify-ca or verify-full"};
  }
  if (!libpq_knows(keyword)) {
    return base::Error{"an option that libpq does not know: " + std::string(keyword)};
  }
  set(keyword, std::move(value));
  return base::Done{};
}

std::optional<std::string_view> Url::option(std::string_view keyword) const {
  for (const auto& [name, value] : options_) {
    if (name == keyword) return value;
  }
  return std::nullopt;
}

std::string Url::without_password() const {
  std::string text = "postgresql://";
  if (const auto user = option("user")) text.append(*user);
  if (option("password")) text.append(":***");
  if (text.back() != '/') text.push_back('@');
  std::string_view hosts = option("host").value_or("");
  std::string_view ports = option("port").value_or("");
  while (true) {
    const auto [host, other_hosts] = split(hosts, ',');
    const auto [port, other_ports] = split(ports, ',');
    const bool is_v6 = host.find(':') != std::string_view::npos;
    text.append(is_v6 ? "[" : "").append(host).append(is_v6 ? "]" : "");
    if (!port.empty()) text.append(":").append(port);
    if (other_hosts.empty()) break;
    text.push_back(',');
    hosts = other_hosts;
    if (!other_ports.empty()) ports = other_ports;  // one port may stand for all
  }
  if (const auto database = option("dbname")) text.append("/").append(*database);
  return text;
}

std::size_t Url::hosts() const {
  const auto hosts = option("host").value_or("");
  return 1 + static_cast<std::size_t>(std::count(hosts.begin(), hosts.end(), ','));
}

void Url::set(std::string_view keyword, std::string value) {
  for (auto& [name, old] : options_) {
    if (name != keyword) continue;
    old = std::move(value);
    return;
  }
  options_.emplace_back(keyword, std::move(value));
}

}  // namespace postgres
