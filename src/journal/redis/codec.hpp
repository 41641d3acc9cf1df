// The byte formats of the journal over Redis, as docs/redis.md specifies them: operations to the
// function library, records and answers from it, and the messages of the pub/sub channel. Pure
// functions over bytes; whatever comes in is bounded and may be malformed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "canvas/cooldown.hpp"
#include "canvas/operation.hpp"

namespace journal {

inline constexpr std::size_t kOperationHeadBytes = 30;  // and the name
inline constexpr std::size_t kRecordHeadBytes = 45;     // and the operations
inline constexpr std::size_t kAnswerBytes = 29;
inline constexpr std::size_t kOperationsBytesMax =
    base::limits::kJournalBatchMax * (kOperationHeadBytes + base::limits::kNameBytesMax);
inline constexpr std::size_t kRecordBytesMax = kRecordHeadBytes + kOperationsBytesMax;

/// One accepted operation as a record keeps it.
struct RecordedEntry {
  canvas::Entry entry;  // its digest is 0 until fill_digests() has computed it
  base::ProducerId producer{};
  std::uint64_t sequence = 0;
  std::string name;  // of the person at that time
  friend bool operator==(const RecordedEntry&, const RecordedEntry&) = default;
};

/// What one batch accepted; without entries: `epoch` begins at offset `base`.
struct Record {
  std::uint64_t epoch = 0;
  std::uint64_t base = 0;         // the offset before its first entry
  std::uint64_t base_digest = 0;  // at (epoch, base)
  std::uint64_t digest = 0;       // at end()
  std::int64_t time_ms = 0;       // of all its entries
  std::vector<RecordedEntry> entries;

  [[nodiscard]] canvas::Position end() const { return {epoch, base + entries.size()}; }
  friend bool operator==(const Record&, const Record&) = default;
};

/// The rules were changed; `version` grows with every change.
struct RulesChanged {
  canvas::Rules rules;
  std::uint64_t version = 0;
};

/// A backend says that it lives; it knows its own again by `replica` and `number`.
struct Presence {
  std::uint64_t replica = 0;
  std::uint64_t number = 0;
  std::uint32_t online = 0;  // players connected to it
  friend bool operator==(const Presence&, const Presence&) = default;
};

using PubSubMessage = std::variant<Record, RulesChanged, Presence>;

/// Appends one operation. A name longer than limits::kNameBytesMax is cut.
void put_operation(std::string& out, const canvas::Operation& operation);
/// The operations of one pb1_append, which takes at most limits::kJournalBatchMax.
std::string encode_operations(std::span<const canvas::Operation> operations);

/// Of an entry only what the head does not say already is used: person, pixel, colour, and the
/// producer, sequence and name. So its entries follow `base` and all have the record's time.
std::string encode_record(const Record& record);
/// The records that hold these entries again: contiguous ones of one epoch with their digests,
/// after `base_digest`. A record ends where the time changes, as it did in the log.
std::vector<Record> records_of(std::uint64_t epoch, std::uint64_t base_digest,
                               std::span<const RecordedEntry> entries);
/// From the log, a reply or the channel. nullopt: malformed. The entries get their offsets and
/// times; their digests are left 0.
std::optional<Record> decode_record(std::string_view bytes);
/// Computes the digest of every entry from base_digest on; false if the last one is not what the
/// head says: the record is damaged.
[[nodiscard]] bool fill_digests(Record& record);

/// The answers to `count` operations, in order. nullopt: malformed, or another number of them.
std::optional<std::vector<canvas::Answer>> decode_answers(std::string_view bytes,
                                                          std::size_t count);

/// What a backend publishes of itself.
std::string encode_presence(const Presence& presence);
/// nullopt: malformed, or of a kind that a later version added.
std::optional<PubSubMessage> decode_message(std::string_view bytes);

}  // namespace journal
