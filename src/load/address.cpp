#include "load/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <memory>

#include "base/text.hpp"

namespace load {

namespace {

constexpr std::string_view kScheme = "http://";
constexpr const char* kLocalPorts = "/proc/sys/net/ipv4/ip_local_port_range";

/// The port behind the host, or 80; nullopt if there is something else.
std::optional<std::uint16_t> port_of(std::string_view rest) {
  if (rest.empty()) return std::uint16_t{80};
  if (rest.front() != ':') return std::nullopt;
  return base::parse_number<std::uint16_t>(rest.substr(1));
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  const auto given = "\"" + std::string(text) + "\"";
  if (text.starts_with("https://") || text.starts_with("wss://")) {
    return base::Error{given + ": only plain http: give the address behind what ends TLS"};
  }
  const base::Error wrong{given + ": an address like http://localhost:8000 is expected"};
  if (!text.starts_with(kScheme)) return wrong;
  text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.find_first_of("/?#@ \r\n") != std::string_view::npos) return wrong;
  const bool bracketed = text.starts_with('[');
  const auto end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return wrong;
  const auto host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  const auto port = port_of(text.substr(bracketed ? end + 1 : end));
  if (host.empty() || !port || *port == 0) return wrong;
  return Url{.host = std::string(host), .port = *port, .authority = std::string(text)};
}

const sockaddr* Address::get() const {
  // A sockaddr_storage may be looked at as a sockaddr by the socket interface's design.
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
}

base::Result<std::vector<Address>> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto port = std::to_string(url.port);
  if (const int error = ::getaddrinfo(url.host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return base::Error{url.host + ": " + ::gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Address> addresses;
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    auto& address = addresses.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
  }
  return addresses;
}

Endpoint loopback(const std::vector<std::uint16_t>& ports) {
  Endpoint endpoint{.authority = "127.0.0.1", .addresses = {}};
  for (const auto port : ports) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto& added = endpoint.addresses.emplace_back();
    std::memcpy(&added.storage, &address, sizeof address);
    added.size = sizeof address;
  }
  return endpoint;
}

std::size_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t local_ports() {
  std::ifstream file(kLocalPorts);
  std::size_t first = 32768;
  std::size_t last = 60999;  // the kernel's own defaults
  file >> first >> last;
  return last >= first ? last - first + 1 : 0;
}

}  // namespace load
