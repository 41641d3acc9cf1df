// TLS to Redis: one context for all connections of a client.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>

#include "redis/url.hpp"

namespace redis {

/// Null when TLS is off. Throws std::runtime_error with one line when a file cannot be used.
std::unique_ptr<boost::asio::ssl::context> make_tls(const TlsOptions& options);

/// Tells the handshake whom to expect: the certificate must be for this name or address.
void expect_host(SSL* connection, const std::string& host);

/// Why the handshake failed, if that was the server's certificate; otherwise empty.
std::string certificate_problem(const SSL* connection);

}  // namespace redis
