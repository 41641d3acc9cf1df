// Client addresses: which peers are our own proxies, and whom they speak for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/result.hpp"

namespace net {

/// A set of networks. Immutable.
class Networks {
 public:
  /// Each item is an address or a CIDR, IPv4 or IPv6.
  static base::Result<Networks> parse(const std::vector<std::string>& items);

  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const;

 private:
  struct Network {
    boost::asio::ip::address_v6::bytes_type bytes{};  // IPv4 as IPv4-mapped
    unsigned prefix_bits = 0;
  };
  std::vector<Network> networks_;
};

/// The client behind `peer`: the right-most address in X-Forwarded-For that is not one of our
/// proxies, if `peer` is one; otherwise `peer`. What a stranger writes there counts for nothing.
boost::asio::ip::address client_address(const boost::asio::ip::address& peer,
                                        std::string_view forwarded_for, const Networks& proxies);

/// What the limits for one address count by: IPv4 as it is, IPv6 by its /64, which is what one
/// subscriber gets.
std::string limit_key(const boost::asio::ip::address& address);

/// Whether a browser page of this Origin may open a WebSocket to this Host.
bool origin_allowed(std::string_view origin, std::string_view host,
                    const std::vector<std::string>& allowed);

}  // namespace net
