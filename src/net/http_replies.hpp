// What a client is told when a request is not served: replies that no handler gives.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <string_view>

#include "service/http.hpp"

namespace net {

/// What a request that cannot be parsed is told; the connection ends after it.
service::Reply parse_error_reply(const boost::system::error_code& error);
/// It took too long to arrive.
service::Reply timeout_reply();
service::Reply too_many_requests(std::int64_t wait_ms);
/// The address takes `methods` only, as "GET, HEAD".
service::Reply not_allowed(std::string_view methods);
/// The address speaks WebSocket.
service::Reply upgrade_required();

}  // namespace net
