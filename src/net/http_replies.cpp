#include "net/http_replies.hpp"

#include <boost/beast/http/error.hpp>

namespace net {

namespace {

namespace http = boost::beast::http;

}  // namespace

service::Reply parse_error_reply(const boost::system::error_code& error) {
  if (error == http::error::body_limit) {
    return service::error_reply(413, "too_large", "The body is too large.");
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return service::error_reply(431, "header_too_large", "The request header is too large.");
  }
  return service::error_reply(400, "bad_request", "This is not a valid HTTP request.");
}

service::Reply timeout_reply() {
  return service::error_reply(408, "timeout", "The request took too long.");
}

service::Reply too_many_requests(std::int64_t wait_ms) {
  return service::error_reply_later(429, "rate_limited", "Too many requests.", wait_ms);
}

service::Reply not_allowed(std::string_view methods) {
  const std::string list(methods);
  auto reply = service::error_reply(405, "method_not_allowed", "This address takes " + list + ".");
  reply.headers += "Allow: " + list + "\r\n";
  return reply;
}

service::Reply upgrade_required() {
  auto reply = service::error_reply(426, "upgrade_required", "This address speaks WebSocket.");
  reply.headers += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  return reply;
}

}  // namespace net
