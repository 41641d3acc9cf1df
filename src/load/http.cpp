#include "load/http.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace load {

namespace {

constexpr int kTimeoutS = 15;
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;
constexpr std::size_t kReadBytes = 64 * 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Status line and fields; `head` ends with an empty line.
Answer read_head(std::string_view head) {
  Answer answer;
  answer.status =
      base::parse_number<unsigned>(head.substr(std::min<std::size_t>(9, head.size()), 3))
          .value_or(0);
  for (auto end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
    head.remove_prefix(end + 2);
    const auto line = head.substr(0, head.find("\r\n"));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    answer.fields[lower(line.substr(0, colon))] = base::trim(line.substr(colon + 1));
  }
  return answer;
}

/// Takes the chunks that are whole off `rest`; true once the last one came.
bool take_chunks(std::string& rest, std::string& body) {
  for (auto end = rest.find("\r\n"); end != std::string::npos; end = rest.find("\r\n")) {
    std::size_t size = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + end, size, 16);
    if (error != std::errc{} || size > kBodyBytesMax) return false;
    if (rest.size() < end + 2 + size + 2) return false;
    body.append(rest, end + 2, size);
    rest.erase(0, end + 2 + size + 2);
    if (size == 0) return true;
  }
  return false;
}

}  // namespace

std::string Answer::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

Http::Http(std::string authority, Address address)
    : authority_(std::move(authority)), address_(address) {}

Http::~Http() { close(); }

void Http::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

base::Status Http::connect() {
  used_ = false;
  socket_ = ::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return base::Error{std::string("no socket: ") + std::strerror(errno)};
  const timeval limit{.tv_sec = kTimeoutS, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, address_.get(), address_.size) == 0) return base::Done{};
  const std::string why = std::strerror(errno);
  close();
  return base::Error{why};
}

base::Result<Answer> Http::ask(const std::string& method, const std::string& path) {
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: " + authority_ + "\r\n";
  if (method == "POST") request += "Content-Type: application/json\r\nContent-Length: 0\r\n";
  request += "\r\n";
  for (;;) {
    if (socket_ < 0) {
      if (auto connected = connect(); !connected) return connected.error();
    }
    const bool kept = std::exchange(used_, true);
    auto answer = exchange(request);
    if (answer && lower(answer->field("connection")) == "close") close();
    if (answer || !kept) return answer;
    // The server has closed what it kept for us; a new connection tells more.
  }
}

base::Result<Answer> Http::exchange(const std::string& request) {
  const auto failed = [this](const char* why) {
    close();
    return base::Error{why};
  };
  if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return failed("the connection broke");
  }
  std::string bytes;
  std::size_t end = std::string::npos;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (bytes.size() > kHeadBytesMax || !receive(bytes)) return failed("no answer");
  }
  Answer answer = read_head(std::string_view(bytes).substr(0, end + 2));
  std::string rest = bytes.substr(end + 4);
  if (lower(answer.field("transfer-encoding")) == "chunked") {
    while (!take_chunks(rest, answer.body)) {
      if (answer.body.size() > kBodyBytesMax || !receive(rest)) return failed("half an answer");
    }
    return answer;
  }
  const auto size = base::parse_number<std::size_t>(answer.field("content-length"));
  if (!size || *size > kBodyBytesMax) return failed("an answer of no known length");
  while (rest.size() < *size) {
    if (!receive(rest)) return failed("half an answer");
  }
  answer.body = std::move(rest);
  return answer;
}

bool Http::receive(std::string& bytes) const {
  const auto before = bytes.size();
  bytes.resize(before + kReadBytes);
  ssize_t count = -1;
  do {
    count = ::recv(socket_, bytes.data() + before, kReadBytes, 0);
  } while (count < 0 && errno == EINTR);
  bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return count > 0;
}

}  // namespace load
