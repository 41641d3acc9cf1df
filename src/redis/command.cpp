#include "redis/command.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <new>

namespace redis {

namespace {
constexpr std::size_t kFrameBytes = 16;  // "$1234567\r\n…\r\n"
}

std::size_t size_of(const Command& command) {
  std::size_t bytes = kFrameBytes;
  for (const std::string& word : command) bytes += word.size() + kFrameBytes;
  return bytes;
}

void encode(const Command& command, std::string& out) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* made = nullptr;
  const auto size =
      redisFormatCommandArgv(&made, static_cast<int>(words.size()), words.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, decltype(&redisFreeCommand)> owned(made, &redisFreeCommand);
  out.append(made, static_cast<std::size_t>(size));
}

std::string encode(const std::vector<Command>& commands) {
  std::string out;
  std::size_t bytes = 0;
  for (const Command& command : commands) bytes += size_of(command);
  out.reserve(bytes);
  for (const Command& command : commands) encode(command, out);
  return out;
}

}  // namespace redis
