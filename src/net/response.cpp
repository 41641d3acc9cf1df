#include "net/response.hpp"

namespace net {

namespace {

constexpr std::size_t kUsualHeadBytes = 320;

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

}  // namespace

std::string response_head(const service::Reply& reply, const HeadContext& context,
                          std::size_t room) {
  std::string head;
  head.reserve(kUsualHeadBytes + reply.headers.size() + room);
  head.append("HTTP/1.1 ").append(std::to_string(reply.status)).append(" ");
  head.append(reason_of(reply.status)).append("\r\nDate: ").append(context.date);
  head.append("\r\nX-Served-By: ").append(context.served_by);
  head.append("\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
  if (reply.status != 304) {
    head.append("Content-Type: ").append(reply.content_type);
    head.append("\r\n");
    if (!reply.endless) {
      head.append("Content-Length: ").append(std::to_string(reply.bytes().size())).append("\r\n");
    }
  }
  if (!context.keep_alive) {
    head.append("Connection: close\r\n");
  } else if (context.http_1_0) {
    head.append("Connection: keep-alive\r\n");
  }
  return head.append(reply.headers).append("\r\n");
}

}  // namespace net
