#include "redis/tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <stdexcept>

namespace redis {

namespace {

namespace ssl = boost::asio::ssl;

void must(const boost::system::error_code& error, const std::string& what) {
  if (error) throw std::runtime_error(what + ": " + error.message());
}

}  // namespace

std::unique_ptr<ssl::context> make_tls(const TlsOptions& options) {
  if (!options.on) return nullptr;
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  boost::system::error_code error;
  context->set_verify_mode(options.verify ? ssl::verify_peer : ssl::verify_none, error);
  must(error, "TLS");
  if (!options.ca.empty()) {
    context->load_verify_file(options.ca, error);
    must(error, "cannot read the authorities in " + options.ca);
  } else if (options.verify) {
    context->set_default_verify_paths(error);
    must(error, "cannot read the system's authorities");
  }
  if (!options.cert.empty()) {
    context->use_certificate_chain_file(options.cert, error);
    must(error, "cannot read the certificate in " + options.cert);
    context->use_private_key_file(options.key, ssl::context::pem, error);
    must(error, "cannot read the key of the certificate in " + options.key);
  }
  return context;
}

void expect_host(SSL* connection, const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  if (!error) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str());
    return;
  }
  // What SSL_set_tlsext_host_name() is, without the casts of that macro.
  SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(host.c_str()));
  SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set1_host(connection, host.c_str());
}

std::string certificate_problem(const SSL* connection) {
  const auto result = SSL_get_verify_result(connection);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

}  // namespace redis
