// The client over TLS, with certificates made by the test.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/redis/fixture.hpp"

namespace redis {
namespace {

/// An authority, a server's certificate for a name and addresses, and a client's.
class Certificates {
 public:
  Certificates() {
    authority("ca");
    issue("server", "ca", "DNS:localhost,IP:127.0.0.1");
    issue("client", "ca", "DNS:client");
  }

  void authority(const std::string& name) {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" +
        name + " -keyout " + key(name) + " -out " + certificate(name));
  }
  void issue(const std::string& name, const std::string& by, const std::string& names) {
    const auto request = folder_ / (name + ".csr");
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
        " -addext subjectAltName=" + names + " -keyout " + key(name) + " -out " + request);
    run("openssl x509 -req -days 2 -copy_extensions copy -CAcreateserial -in " + request + " -CA " +
        certificate(by) + " -CAkey " + key(by) + " -out " + certificate(name));
  }
  [[nodiscard]] std::string key(const std::string& name) const { return folder_ / (name + ".key"); }
  [[nodiscard]] std::string certificate(const std::string& name) const {
    return folder_ / (name + ".pem");
  }

 private:
  static void run(const std::string& command) {
    if (std::system((command + " 2>/dev/null").c_str()) != 0) {
      throw std::runtime_error("failed: " + command);
    }
  }

  support::TemporaryFolder folder_;
};

class Tls : public testing::Test {
 protected:
  [[nodiscard]] RedisServer::Options options(const std::string& name,
                                             const std::string& ask_clients) const {
    return {.arguments = {"--port", "0", "--tls-port", std::to_string(port_), "--tls-cert-file",
                          certificates_.certificate(name), "--tls-key-file",
                          certificates_.key(name), "--tls-ca-cert-file",
                          certificates_.certificate("ca"), "--tls-auth-clients", ask_clients},
            .plain_port = false};
  }
  [[nodiscard]] std::string url(const std::string& host, const std::string& query) const {
    return "rediss://" + host + ':' + std::to_string(port_) + query;
  }
  [[nodiscard]] std::string trusting() const { return "?ca=" + certificates_.certificate("ca"); }
  [[nodiscard]] std::string with_certificate() const {
    return "&cert=" + certificates_.certificate("client") + "&key=" + certificates_.key("client");
  }

  Certificates certificates_;
  int port_ = support::free_port();
};

TEST_F(Tls, AsksAServerWhoseAuthorityIsTrusted) {
  RedisServer server(options("server", "no"));
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    TestClient test(url(host, trusting()));
    EXPECT_EQ(test.say(command("ECHO", std::string(1'000'000, 'x'))), std::string(1'000'000, 'x'));
  }
}

TEST_F(Tls, AnAuthorityThatIsNotTrustedIsRefused) {
  RedisServer server(options("server", "no"));
  TestClient test(url("127.0.0.1", ""));
  const auto answer = test.say(command("PING"), 500ms);
  EXPECT_TRUE(contains(answer, "not_applied: ") &&
              contains(answer, "certificate is not accepted: "))
      << answer;
  EXPECT_EQ(test.told.lines.size(), 1U) << test.told.all();
  EXPECT_EQ(server.info({"INFO", "stats"}, "total_commands_processed").size(), 1U)
      << "nothing was said to it";
}

TEST_F(Tls, ACertificateForAnotherHostIsRefused) {
  certificates_.issue("other", "ca", "DNS:other.example,IP:127.0.0.2");
  RedisServer server(options("other", "no"));
  TestClient by_address(url("127.0.0.1", trusting()));
  EXPECT_TRUE(contains(by_address.say(command("PING"), 500ms), "IP address mismatch"));
  TestClient by_name(url("localhost", trusting()));
  EXPECT_TRUE(contains(by_name.say(command("PING"), 500ms), "ostname mismatch"));
  TestClient careless(url("127.0.0.1", "?verify=no"));
  EXPECT_EQ(careless.say(command("PING")), "PONG");
}

TEST_F(Tls, ShowsItsOwnCertificateWhereOneIsWanted) {
  RedisServer server(options("server", "yes"));
  TestClient without(url("127.0.0.1", trusting()));
  EXPECT_TRUE(contains(without.say(command("PING"), 500ms), "not_applied: "));
  TestClient with(url("127.0.0.1", trusting() + with_certificate()));
  EXPECT_EQ(with.say(command("PING")), "PONG");
}

TEST_F(Tls, APlainServerIsNoTlsServer) {
  RedisServer server;
  TestClient test("rediss://" + server.address());
  test.loop.until([&] { return !test.told.lines.empty(); });
  EXPECT_TRUE(contains(test.told.all(), "no TLS handshake in time")) << test.told.all();
}

TEST_F(Tls, FilesThatCannotBeReadStopTheStart) {
  support::Loop loop;
  const auto make = [&](const std::string& query) {
    Client client(loop.executor(),
                  ClientOptions{.url = url_of(url("h", query)), .key = "k", .on_state = {}});
  };
  EXPECT_THROW(make("?ca=/nowhere.pem"), std::runtime_error);
  EXPECT_THROW(make("?cert=/nowhere.pem&key=/nowhere.key"), std::runtime_error);
}

}  // namespace
}  // namespace redis
