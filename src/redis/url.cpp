#include "redis/url.hpp"

#include <array>
#include <functional>
#include <optional>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace redis {

namespace {

namespace limits = base::limits;

constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr std::size_t kSocketPathBytesMax = 107;  // of sockaddr_un, with a zero behind it
constexpr int kDatabaseMax = 1'000'000;

struct Scheme {
  std::string_view name;
  Url::Kind kind;
  bool tls;
  bool unix_socket;
};
constexpr std::array kSchemes{
    Scheme{"redis", Url::Kind::single, false, false},
    Scheme{"rediss", Url::Kind::single, true, false},
    Scheme{"unix", Url::Kind::single, false, true},
    Scheme{"redis+unix", Url::Kind::single, false, true},
    Scheme{"redis+sentinel", Url::Kind::sentinel, false, false},
    Scheme{"rediss+sentinel", Url::Kind::sentinel, true, false},
    Scheme{"redis+cluster", Url::Kind::cluster, false, false},
    Scheme{"rediss+cluster", Url::Kind::cluster, true, false},
};

base::Error problem(std::string text) { return {std::move(text)}; }

/// What stands before the separator, which is taken off `text` with it; all if there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto head = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return head;
}

std::optional<int> database_of(std::string_view text) {
  const auto number = base::parse_number<int>(text);
  return number && *number >= 0 && *number <= kDatabaseMax ? number : std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  base::Result<Url> parse() {
    for (const auto step : {&Parser::scheme, &Parser::cut, &Parser::login, &Parser::addresses,
                            &Parser::path, &Parser::query}) {
      if (auto failed = (this->*step)()) return *failed;
    }
    return url_;
  }

 private:
  using Problem = std::optional<base::Error>;

  Problem scheme() {
    if (rest_.size() > limits::kRedisUrlBytesMax) return problem("the URL is too long");
    const auto end = rest_.find("://");
    for (const Scheme& scheme : kSchemes) {
      if (end == std::string_view::npos || rest_.substr(0, end) != scheme.name) continue;
      scheme_ = scheme;
      url_.kind = scheme.kind;
      url_.tls.on = scheme.tls;
      rest_.remove_prefix(end + 3);
      return {};
    }
    return problem(
        "the URL must begin with redis://, rediss://, unix://, redis+sentinel:// or "
        "redis+cluster://");
  }

  Problem cut() {
    if (rest_.find('#') != std::string_view::npos) {
      return problem("a # in the URL must be written %23");
    }
    query_ = rest_;
    authority_ = take_until(query_, '?');
    if (const auto slash = authority_.find('/'); slash != std::string_view::npos) {
      path_ = authority_.substr(slash);
      authority_ = authority_.substr(0, slash);
    }
    if (!scheme_.unix_socket && path_.find('@') != std::string_view::npos) {
      return problem("a / in the password must be written %2F");
    }
    return {};
  }

  Problem login() {
    const auto end = authority_.rfind('@');
    if (end == std::string_view::npos) return {};
    auto password = authority_.substr(0, end);
    const auto user = take_until(password, ':');
    authority_.remove_prefix(end + 1);
    const auto decoded_user = base::percent_decode(user);
    const auto decoded_password = base::percent_decode(password);
    if (!decoded_user || !decoded_password) {
      return problem("user and password must be percent-encoded");
    }
    url_.login = {*decoded_user, *decoded_password};
    return {};
  }

  Problem addresses() {
    if (scheme_.unix_socket) {
      if (!authority_.empty()) return problem("the path of a Unix socket must begin with /");
      return {};
    }
    const bool sentinel = url_.kind == Url::Kind::sentinel;
    while (true) {
      const bool last = authority_.find(',') == std::string_view::npos;
      auto address =
          parse_address(take_until(authority_, ','), sentinel ? kSentinelPort : kRedisPort);
      if (!address) return address.error();
      url_.addresses.push_back(*address);
      if (last) break;
    }
    if (url_.kind == Url::Kind::single && url_.addresses.size() > 1) {
      return problem("several hosts need redis+sentinel:// or redis+cluster://");
    }
    if (url_.addresses.size() > limits::kRedisNodesMax) return problem("too many hosts");
    return {};
  }

  Problem path() {
    const auto decoded = base::percent_decode(path_);
    if (!decoded) return problem("the path must be percent-encoded");
    if (scheme_.unix_socket) return socket_path(*decoded);
    auto rest = path_.empty() ? path_ : path_.substr(1);
    if (url_.kind == Url::Kind::sentinel) {
      const auto name = base::percent_decode(take_until(rest, '/'));
      if (!name || name->empty()) {
        return problem("the name of the master is missing: redis+sentinel://hosts/name");
      }
      url_.master_name = *name;
    }
    if (rest.empty()) return {};
    const auto database = database_of(rest);
    if (!database) return problem("the database must be a number");
    if (url_.kind == Url::Kind::cluster && *database != 0) {
      return problem("a cluster has database 0 only");
    }
    url_.database = *database;
    return {};
  }

  Problem socket_path(const std::string& path) {
    if (path.empty() || path == "/") return problem("the path of the Unix socket is missing");
    if (path.size() > kSocketPathBytesMax) return problem("the path of the socket is too long");
    url_.addresses.push_back({.host = {}, .port = 0, .path = path});
    return {};
  }

  Problem query() {
    while (!query_.empty()) {
      auto value = take_until(query_, '&');
      const auto key = take_until(value, '=');
      const auto decoded = base::percent_decode(value);
      if (!decoded || !option(key, *decoded)) {
        return problem(
            "the options after ? are db=N for unix://, ca=FILE, cert=FILE, key=FILE and "
            "verify=yes|no for TLS, sentinel_user and sentinel_password for sentinels");
      }
    }
    if (url_.tls.cert.empty() != url_.tls.key.empty()) {
      return problem("cert and key are given together");
    }
    return {};
  }

  bool option(std::string_view key, const std::string& value) {
    if (scheme_.unix_socket && key == "db") {
      const auto database = database_of(value);
      if (database) url_.database = *database;
      return database.has_value();
    }
    if (url_.tls.on && key == "verify") {
      url_.tls.verify = value == "yes";
      return value == "yes" || value == "no";
    }
    std::string* const place = place_of(key);
    if (place == nullptr || value.empty()) return false;
    *place = value;
    return true;
  }

  std::string* place_of(std::string_view key) {
    if (url_.tls.on && key == "ca") return &url_.tls.ca;
    if (url_.tls.on && key == "cert") return &url_.tls.cert;
    if (url_.tls.on && key == "key") return &url_.tls.key;
    if (url_.kind != Url::Kind::sentinel) return nullptr;
    if (key == "sentinel_user") return &url_.sentinel_login.user;
    if (key == "sentinel_password") return &url_.sentinel_login.password;
    return nullptr;
  }

  Scheme scheme_{};
  std::string_view rest_, authority_, path_, query_;
  Url url_;
};

std::string printable_login(const Login& login) {
  if (!login.given()) return {};
  return login.user + (login.password.empty() ? "@" : ":***@");
}

}  // namespace

std::string to_string(const Address& address) {
  if (!address.path.empty()) return address.path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? '[' + address.host + ']' : address.host) + ':' + std::to_string(address.port);
}

base::Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
  Address address{.host = {}, .port = default_port, .path = {}};
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return problem("a [ without its ] in a host");
    address.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    const auto end = std::min(text.find(':'), text.size());
    address.host = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (address.host.empty()) return problem("a host is missing");
  if (text.empty()) return address;
  const auto port = base::parse_number<std::uint16_t>(text.substr(1));
  if (text.front() != ':' || !port || *port == 0) {
    return problem("a port must be a number from 1 to 65535");
  }
  address.port = *port;
  return address;
}

base::Result<Url> Url::parse(std::string_view text) { return Parser(text).parse(); }

std::string Url::printable() const {
  std::string text = tls.on ? "rediss" : "redis";
  if (!addresses.empty() && !addresses.front().path.empty()) text = "unix";
  if (kind == Kind::sentinel) text += "+sentinel";
  if (kind == Kind::cluster) text += "+cluster";
  text += "://" + printable_login(login);
  for (const Address& address : addresses) {
    text += (&address == &addresses.front() ? "" : ",") + to_string(address);
  }
  if (kind == Kind::sentinel) text += '/' + master_name;
  if (database != 0) text += (text.starts_with("unix") ? "?db=" : "/") + std::to_string(database);
  if (tls.on && !tls.verify) text += "?verify=no";
  return text;
}

}  // namespace redis
