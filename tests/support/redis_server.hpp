// Real Redis servers and sentinels for tests: started on a free port of the loopback with their
// data in a temporary folder, stopped by their process id.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redis/command.hpp"
#include "redis/reply_reader.hpp"

namespace support {

/// Waits for something to become true; false if it does not within 20 s.
inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

/// A port of the loopback where nobody listens, below those that the kernel gives to clients.
inline int free_port() {
  static std::minstd_rand random(std::random_device{}());
  while (true) {
    const int port = std::uniform_int_distribution<int>(10'000, 32'000)(random);
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    const bool is_free = ::bind(probe, where, sizeof address) == 0;
    ::close(probe);
    if (is_free) return port;
  }
}

/// A folder of its own under the system's temporary folder, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "pb-redis-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

/// One redis-server. Without arguments it has no persistence, no password and no TLS; it also
/// listens on a Unix socket in its folder, which is how call() reaches it. The folder and the port
/// stay the same when it is started again.
class RedisServer {
 public:
  using Arguments = std::vector<std::string>;

  struct Options {
    Arguments arguments{};   // as on the command line: {"--appendonly", "yes"}
    std::string password{};  // requirepass
    std::string sentinel{};  // the lines of a sentinel's configuration: then it is a sentinel
    bool plain_port = true;  // false: the arguments say where it listens
  };

  RedisServer() : RedisServer(Options{}) {}
  explicit RedisServer(Arguments arguments)
      : RedisServer(Options{.arguments = std::move(arguments)}) {}
  explicit RedisServer(Options options) : options_(std::move(options)), port_(free_port()) {
    if (!options_.sentinel.empty()) std::ofstream(folder_ / "sentinel.conf") << options_.sentinel;
    start();
  }
  ~RedisServer() { kill(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string socket_path() const { return folder_ / "s"; }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] bool running() const { return pid_ > 0; }

  /// Starts it and waits until it answers.
  void start() {
    const auto words = command_line();
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const auto log = folder_ / "log";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it must not outlive a test that crashes
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    const bool ready = eventually([this] {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) throw_with_log();
      try {
        return call({"PING"}).code() != "LOADING";
      } catch (const std::runtime_error&) {
        return false;
      }
    });
    if (!ready) throw_with_log();
  }

  /// SIGKILL, as when the machine loses power (but for the page cache).
  void kill() { end(SIGKILL); }
  /// SIGTERM: it writes what it must.
  void stop() { end(SIGTERM); }
  /// It is there and says nothing: SIGSTOP, then SIGCONT.
  void suspend() { ::kill(pid_, SIGSTOP); }
  void resume() { ::kill(pid_, SIGCONT); }

  /// One command, as an operator would give it; blocks. Throws if the server does not answer.
  redis::Reply call(const redis::Command& command) const {
    const int socket = connect();
    std::string bytes;
    if (!options_.password.empty()) redis::encode({"AUTH", options_.password}, bytes);
    redis::encode(command, bytes);
    redis::ReplyReader reader;
    std::optional<redis::Reply> reply;
    char buffer[16 * 1024];
    bool alive = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                 static_cast<ssize_t>(bytes.size());
    for (int wanted = options_.password.empty() ? 1 : 2; alive && wanted > 0;) {
      const auto size = ::recv(socket, buffer, sizeof buffer, 0);
      alive = size > 0;
      if (alive) reader.feed({buffer, static_cast<std::size_t>(size)});
      while (auto next = reader.next()) {
        reply = std::move(next);
        --wanted;
      }
    }
    ::close(socket);
    if (!alive || !reply) throw std::runtime_error("Redis does not answer");
    return *reply;
  }

  /// The value of a line "name:value" of INFO or CLUSTER INFO.
  [[nodiscard]] std::string info(const redis::Command& command, const std::string& name) const {
    const auto text = "\r\n" + call(command).text;
    const auto at = text.find("\r\n" + name + ':');
    if (at == std::string::npos) return {};
    const auto from = at + 3 + name.size();
    return text.substr(from, text.find('\r', from) - from);
  }

 private:
  [[nodiscard]] Arguments command_line() const {
    Arguments words{"redis-server"};
    if (!options_.sentinel.empty()) words.push_back(folder_ / "sentinel.conf");
    const auto add = [&words](const Arguments& more) {
      words.insert(words.end(), more.begin(), more.end());
    };
    add({"--bind", "127.0.0.1", "--dir", folder_ / ".", "--unixsocket", socket_path()});
    if (options_.plain_port) add({"--port", std::to_string(port_)});
    if (!options_.sentinel.empty()) {
      add({"--sentinel"});
    } else {
      add({"--save", "", "--repl-diskless-sync-delay", "0"});
    }
    if (!options_.password.empty()) add({"--requirepass", options_.password});
    add(options_.arguments);
    return words;
  }

  [[nodiscard]] int connect() const {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket);
      throw std::runtime_error("Redis is not there");
    }
    return socket;
  }

  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    if (signal != SIGKILL) ::kill(pid_, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  [[noreturn]] void throw_with_log() {
    end(SIGKILL);
    std::ostringstream text;
    text << std::ifstream(folder_ / "log").rdbuf();
    throw std::runtime_error("redis-server did not start:\n" + text.str());
  }

  TemporaryFolder folder_;
  Options options_;
  int port_;
  pid_t pid_ = -1;
};

}  // namespace support
