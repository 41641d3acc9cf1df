// Where Redis is, as one URL:
//   redis://[user:password@]host[:6379][/database]
//   unix://[user:password@]/path/of/the.sock[?db=N]           (or redis+unix://)
//   redis+sentinel://[user:password@]host[:26379],…/master-name[/database]
//                            [?sentinel_user=…&sentinel_password=…]
//   redis+cluster://[user:password@]host[:6379],…
// rediss://, rediss+sentinel:// and rediss+cluster:// are the same over TLS, with the options
// ca=FILE, cert=FILE and key=FILE (PEM) and verify=no. Without them the server's certificate is
// verified against the system's authorities. User, password, names, paths and options are
// percent-decoded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace redis {

/// One node: a host and a port, or the path of a Unix socket.
struct Address {
  std::string host;  // a name, or an IP address without brackets
  std::uint16_t port = 0;
  std::string path;  // of the Unix socket; then there is no host

  bool operator==(const Address&) const = default;
};

/// "host:port", "[::1]:port" or the path.
std::string to_string(const Address& address);

/// "host", "host:port", "[::1]:port"; its error never shows the text.
base::Result<Address> parse_address(std::string_view text, std::uint16_t default_port);

struct Login {
  std::string user;  // empty: Redis's default user
  std::string password;

  [[nodiscard]] bool given() const { return !user.empty() || !password.empty(); }
};

struct TlsOptions {
  bool on = false;
  bool verify = true;
  std::string ca;    // files; empty: the system's authorities
  std::string cert;  // empty: no client certificate
  std::string key;
};

struct Url {
  enum class Kind { single, sentinel, cluster };

  Kind kind = Kind::single;
  std::vector<Address> addresses;  // of the server, the sentinels, or some nodes of the cluster
  Login login;
  Login sentinel_login;
  std::string master_name;  // as the sentinels know it
  int database = 0;
  TlsOptions tls;

  /// Errors are one line that shows nothing of the text, since a password may stand anywhere in a
  /// text that is not a URL.
  static base::Result<Url> parse(std::string_view text);

  /// For people: passwords are hidden.
  [[nodiscard]] std::string printable() const;
};

}  // namespace redis
