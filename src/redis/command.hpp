// What Redis is asked: a command is the list of its words.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace redis {

using Command = std::vector<std::string>;

/// command("SET", key, 5): words may be text or whole numbers.
template <class... Words>
Command command(Words&&... words) {
  Command made;
  made.reserve(sizeof...(words));
  const auto add = [&made]<class Word>(Word&& word) {
    if constexpr (std::integral<std::remove_cvref_t<Word>>) {
      made.push_back(std::to_string(word));
    } else {
      made.emplace_back(std::forward<Word>(word));
    }
  };
  (add(std::forward<Words>(words)), ...);
  return made;
}

/// The bytes that the words and their framing take, about.
std::size_t size_of(const Command& command);

/// Appends the command as it is sent.
void encode(const Command& command, std::string& out);
std::string encode(const std::vector<Command>& commands);

}  // namespace redis
