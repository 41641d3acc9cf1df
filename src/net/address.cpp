#include "net/address.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace net {

namespace {

namespace ip = boost::asio::ip;

constexpr unsigned kMappedPrefixBits = 96;  // an IPv4 address inside IPv6

ip::address_v6::bytes_type as_v6_bytes(const ip::address& address) {
  return address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes()
                         : address.to_v6().to_bytes();
}

/// IPv4-mapped addresses as plain IPv4, so that one client has one spelling.
ip::address unmapped(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  }
  return address;
}

}  // namespace

base::Result<Networks> Networks::parse(const std::vector<std::string>& items) {
  Networks parsed;
  for (const auto& item : items) {
    const std::string_view text = item;
    const auto slash = text.find('/');
    boost::system::error_code error;
    const auto address = ip::make_address(std::string(text.substr(0, slash)), error);
    const unsigned bits_max = address.is_v4() ? 32 : 128;
    unsigned prefix_bits = bits_max;
    if (slash != std::string_view::npos) {
      prefix_bits = base::parse_number<unsigned>(text.substr(slash + 1)).value_or(bits_max + 1);
    }
    if (error || prefix_bits > bits_max) {
      return base::Error{"\"" + item + "\" is neither an address nor a network"};
    }
    parsed.networks_.push_back(
        {as_v6_bytes(address), prefix_bits + (address.is_v4() ? kMappedPrefixBits : 0)});
  }
  return parsed;
}

bool Networks::contains(const ip::address& address) const {
  const auto bytes = as_v6_bytes(address);
  return std::ranges::any_of(networks_, [&](const Network& network) {
    const unsigned whole = network.prefix_bits / 8;
    const unsigned rest = network.prefix_bits % 8;
    if (!std::equal(bytes.begin(), bytes.begin() + whole, network.bytes.begin())) return false;
    return rest == 0 || (bytes[whole] ^ network.bytes[whole]) >> (8 - rest) == 0;
  });
}

ip::address client_address(const ip::address& peer, std::string_view forwarded_for,
                           const Networks& proxies) {
  ip::address client = unmapped(peer);
  while (!forwarded_for.empty() && proxies.contains(client)) {
    const auto comma = forwarded_for.find_last_of(',');
    const bool last = comma == std::string_view::npos;
    const auto item = base::trim(last ? forwarded_for : forwarded_for.substr(comma + 1));
    forwarded_for = last ? std::string_view() : forwarded_for.substr(0, comma);
    boost::system::error_code error;
    const auto previous = ip::make_address(std::string(item), error);
    if (error) break;  // a proxy that writes nonsense speaks for nobody but itself
    client = unmapped(previous);
  }
  return client;
}

std::string limit_key(const ip::address& address) {
  const auto plain = unmapped(address);
  if (plain.is_v4()) return plain.to_string();
  auto bytes = plain.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return ip::address_v6(bytes).to_string() + "/64";
}

bool origin_allowed(std::string_view origin, std::string_view host,
                    const std::vector<std::string>& allowed) {
  if (origin.empty()) return true;  // not a browser
  if (std::ranges::any_of(
          allowed, [&](const auto& item) { return base::equal_ignoring_case(item, origin); })) {
    return true;
  }
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;
  return base::equal_ignoring_case(origin.substr(scheme_end + 3), host);
}

}  // namespace net
