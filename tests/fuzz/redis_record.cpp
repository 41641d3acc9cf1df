// What a backend reads from Redis: records, answers and messages of the channel. Whatever decodes
// must encode to the same bytes again.
#include "base/limits.hpp"
#include "fuzz.hpp"
#include "journal/redis/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  if (auto record = journal::decode_record(input)) {
    fuzz::must(journal::encode_record(*record) == input, "a record has one spelling");
    fuzz::must(
        record->entries.empty() || record->entries.back().entry.offset == record->end().offset,
        "offsets have no gaps");
    static_cast<void>(journal::fill_digests(*record));
  }
  const auto answers = journal::decode_answers(input, size / journal::kAnswerBytes);
  if (answers) fuzz::must(answers->size() * journal::kAnswerBytes == size, "29 bytes an answer");
  const auto message = journal::decode_message(input);
  if (!message) return 0;
  if (const auto* presence = std::get_if<journal::Presence>(&*message)) {
    fuzz::must(journal::encode_presence(*presence) == input, "a presence has one spelling");
  }
  return 0;
}
