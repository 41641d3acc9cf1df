// Turns the bytes of a connection into replies: hiredis's reader, with our limits.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "redis/reply.hpp"

namespace redis {

/// One for a connection. After a problem nothing more is read.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view bytes);
  /// The next whole reply among the bytes fed. Call until there is none before feeding more: what
  /// is not whole yet must stay within kRedisReplyBytesMax.
  std::optional<Reply> next();
  /// Why reading has ended: malformed, a type we do not ask for, or beyond a limit. Empty: it has
  /// not.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct Builder;
  struct Reader;
  std::unique_ptr<Builder> builder_;
  std::unique_ptr<Reader> reader_;
  std::size_t pending_ = 0;  // bytes of what is not whole yet
  std::string problem_;
};

}  // namespace redis
