// Replies of Redis: however the bytes are cut, they are the same replies within the limits, or the
// same refusal.
#include "base/limits.hpp"
#include "fuzz.hpp"
#include "redis/discovery.hpp"
#include "redis/error.hpp"
#include "redis/reply_reader.hpp"

namespace {

namespace limits = base::limits;

struct Read {
  std::vector<redis::Reply> replies;
  bool refused = false;
};

Read read(std::string_view input, std::size_t step) {
  redis::ReplyReader reader;
  Read done;
  for (std::size_t at = 0; at < input.size(); at += step) {
    reader.feed(input.substr(at, step));
    while (auto reply = reader.next()) done.replies.push_back(std::move(*reply));
  }
  done.refused = !reader.problem().empty();
  return done;
}

std::size_t check(const redis::Reply& reply, std::size_t depth) {
  fuzz::must(depth <= limits::kRedisReplyDepthMax, "a reply is not too deep");
  fuzz::must(reply.elements.empty() || reply.is_array(), "only an array has elements");
  std::size_t bytes = reply.text.size() + 3;  // what it took at least
  for (const redis::Reply& element : reply.elements) bytes += check(element, depth + 1);
  if (reply.is_error()) {
    redis::redirection(reply, {.host = "h", .port = 1, .path = {}});
    const auto error = redis::error_of(reply, "h:1");
    fuzz::must(error.message.find('\n') == std::string::npos, "an error is one line");
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const Read whole = read(input, size + 1);
  std::size_t bytes = 0;
  for (const redis::Reply& reply : whole.replies) bytes += check(reply, 0);
  fuzz::must(bytes <= size, "nothing is made up");
  const Read pieces = read(input, 3);
  fuzz::must(pieces.replies == whole.replies, "cutting changes no reply");
  fuzz::must(pieces.refused == whole.refused, "cutting changes no refusal");
  return 0;
}
