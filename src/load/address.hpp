// Where the load goes: addresses from a URL such as http://localhost:8000, and what of this machine
// bounds the number of connections to one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "base/result.hpp"

namespace load {

struct Url {
  std::string host;  // an IPv6 address without its brackets
  std::uint16_t port = 80;
  std::string authority;  // as a Host header has it
};

/// Only `http://HOST` and `http://HOST:PORT`; the error says what else it is.
base::Result<Url> parse_url(std::string_view text);

/// As connect() takes it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] int family() const { return storage.ss_family; }
};

/// In the order of the system's preference, one at least. Asks name servers: may take seconds.
base::Result<std::vector<Address>> resolve(const Url& url);

/// What clients connect to. With several addresses they take turns.
struct Endpoint {
  std::string authority;
  std::vector<Address> addresses;
};

/// Ports of this machine.
Endpoint loopback(const std::vector<std::uint16_t>& ports);

/// Raises the limit of open files as far as it goes, and returns it.
std::size_t raise_file_limit();

/// How many connections to one address this machine has ports for.
std::size_t local_ports();

}  // namespace load
