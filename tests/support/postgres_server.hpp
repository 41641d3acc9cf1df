// A real PostgreSQL for tests: its own data in a temporary folder, a free port on loopback, ended
// by process id. The server refuses to run as root; then it runs as an unprivileged user.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdlib.h>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace support {

class PostgresServer {
 public:
  static constexpr const char* kUser = "canvas";
  static constexpr const char* kPassword = "p@ss word";

  /// `durable`: what was committed survives kill(); costs an fsync each time.
  enum class Disk { fast, durable };

  explicit PostgresServer(Disk disk = Disk::fast) : disk_(disk) {
    std::string name = parent_folder(disk) / "postgres-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    try {
      make_cluster();
      start();
    } catch (...) {
      std::filesystem::remove_all(folder_);
      throw;
    }
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    if (pid_ > 0) kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// A URL for the superuser, with the password percent-encoded.
  [[nodiscard]] std::string url(const std::string& database = "postgres") const {
    return "postgresql://canvas:p%40ss%20word@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }
  [[nodiscard]] int port() const { return port_; }

  /// Starts the server on the port it had before and waits until it takes connections.
  void start() {
    // After a kill() the shared memory may be in use for another moment.
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!try_to_start()) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("no start: " + log());
    }
  }

  /// Ends every connection and shuts down in order.
  void stop() {
    ::kill(pid_, SIGINT);
    wait_for_end();
  }

  /// `kill -9`, of the server and all of its processes.
  void kill() {
    const auto processes = family();
    for (const pid_t process : processes) ::kill(process, SIGKILL);
    wait_for_end();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (const pid_t process : processes) {
      while (is_running(process) && std::chrono::steady_clock::now() < end) pause();
    }
  }

  /// No process of the server runs until thaw(); the system still accepts bytes for it.
  void freeze() { signal_family(SIGSTOP); }
  void thaw() { signal_family(SIGCONT); }

 private:
  static constexpr std::chrono::seconds kPatience{30};

  static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

  /// In memory where there is plenty of it.
  static std::filesystem::path parent_folder(Disk disk) {
    constexpr std::uintmax_t kPlenty = std::uintmax_t{2} << 30;
    std::error_code failed;
    const auto memory = std::filesystem::space("/dev/shm", failed);
    const bool take_memory = disk == Disk::fast && !failed && memory.available >= kPlenty;
    return take_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
  }

  /// The newest version that is installed.
  static std::string program(const std::string& name) {
    std::vector<std::pair<int, std::string>> found;
    std::error_code ignored;
    for (const auto& version :
         std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      const auto path = version.path() / "bin" / name;
      if (!std::filesystem::exists(path)) continue;
      found.emplace_back(std::stoi(version.path().filename().string()), path.string());
    }
    if (found.empty()) throw std::runtime_error("PostgreSQL is not installed");
    return std::max_element(found.begin(), found.end())->second;
  }

  static int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
    ::close(fd);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
  }

  /// Runs a program as a user that PostgreSQL accepts, with its output in the log.
  [[nodiscard]] pid_t spawn(std::vector<std::string> words) const {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log = folder_ + "/log";
    const uid_t user = user_;
    const gid_t group = group_;
    const char* folder = folder_.c_str();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::close_range(3, ~0U, 0);
    if (user != ::getuid() &&
        (::setgroups(0, nullptr) != 0 || ::setgid(group) != 0 || ::setuid(user) != 0)) {
      ::_exit(126);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // when the test is killed, the server goes too
    if (::chdir(folder) != 0) ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  void make_cluster() {
    user_ = ::getuid();
    group_ = ::getgid();
    if (user_ == 0) {
      const passwd* user = ::getpwnam("postgres");
      if (user == nullptr) user = ::getpwnam("nobody");
      if (user == nullptr) throw std::runtime_error("no unprivileged user");
      user_ = user->pw_uid;
      group_ = user->pw_gid;
    }
    std::ofstream(folder_ + "/password") << kPassword << '\n';
    for (const char* name : {"", "/password"}) {
      if (::chown((folder_ + name).c_str(), user_, group_) != 0) {
        throw std::runtime_error("cannot give the folder away");
      }
    }
    port_ = free_port();
    if (take_template()) return;
    const pid_t pid =
        spawn({program("initdb"), "--pgdata=" + folder_ + "/data", "--no-sync", "--encoding=UTF8",
               "--locale=C", "--auth=scram-sha-256", std::string("--username=") + kUser,
               "--pwfile=" + folder_ + "/password"});
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) throw std::runtime_error("initdb: " + log());
    leave_template();
  }

  /// What initdb made the first time, kept in the build folder: it takes seconds, copying does not.
  static std::filesystem::path template_path() {
    const auto program_of_test = std::filesystem::read_symlink("/proc/self/exe");
    const auto version = std::filesystem::path(program("initdb")).parent_path().parent_path();
    return program_of_test.parent_path().parent_path() /
           ("postgres-" + version.filename().string() + "-template");
  }

  [[nodiscard]] bool take_template() const {
    const std::filesystem::path data = folder_ + "/data";
    std::error_code failed;
    std::filesystem::copy(template_path(), data, std::filesystem::copy_options::recursive, failed);
    if (failed) {
      std::filesystem::remove_all(data);
      return false;
    }
    bool given = ::chown(data.c_str(), user_, group_) == 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
      given = given && ::lchown(entry.path().c_str(), user_, group_) == 0;
    }
    return given;
  }

  void leave_template() const {
    const auto path = template_path();
    const auto mine = path.string() + "-" + std::to_string(::getpid());
    std::error_code failed;
    std::filesystem::copy(folder_ + "/data", mine, std::filesystem::copy_options::recursive,
                          failed);
    if (!failed) std::filesystem::rename(mine, path, failed);
    if (failed) std::filesystem::remove_all(mine, failed);  // another test was first
  }

  bool try_to_start() {
    const std::string status_file = folder_ + "/data/postmaster.pid";
    std::filesystem::remove(status_file);
    pid_ = spawn({program("postgres"), "-D", folder_ + "/data", "-p", std::to_string(port_), "-c",
                  "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + folder_, "-c",
                  disk_ == Disk::fast ? "fsync=off" : "fsync=on", "-c", "shared_buffers=64MB", "-c",
                  "max_connections=40", "-c", "recovery_init_sync_method=syncfs"});
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      std::ifstream file(status_file);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      if (text.find("\nready") != std::string::npos) return true;
      pause();
    }
    throw std::runtime_error("PostgreSQL does not start: " + log());
  }

  struct Process {
    char state = 'X';  // as in /proc: X when there is none
    pid_t parent = 0;
  };
  static Process look_at(const std::filesystem::path& folder) {
    std::ifstream file(folder / "stat");
    std::string text;
    std::getline(file, text);
    const auto after_name = text.rfind(')');
    Process process;
    if (after_name == std::string::npos) return process;
    std::istringstream(text.substr(after_name + 1)) >> process.state >> process.parent;
    return process;
  }

  static bool is_running(pid_t process) {
    const char state = look_at("/proc/" + std::to_string(process)).state;
    return state != 'X' && state != 'Z';
  }

  /// The server's processes, itself first.
  [[nodiscard]] std::vector<pid_t> family() const {
    std::vector<pid_t> all{pid_};
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      if (look_at(entry.path()).parent == pid_) all.push_back(std::stoi(name));
    }
    return all;
  }

  void signal_family(int signal) const {
    for (const pid_t process : family()) ::kill(process, signal);
  }

  void wait_for_end() {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > end) ::kill(pid_, SIGKILL);
      pause();
    }
    pid_ = -1;
  }

  [[nodiscard]] std::string log() const {
    std::ifstream file(folder_ + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const Disk disk_;
  std::string folder_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace support
