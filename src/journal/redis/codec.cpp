#include "journal/redis/codec.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "canvas/digest.hpp"

namespace journal {

using canvas::Accepted;
using canvas::Answer;
using canvas::Refusal;
using canvas::Refused;

namespace {

constexpr char kRecordKind = 'r';
constexpr char kRulesKind = 'k';
constexpr char kPresenceKind = 'p';

// Everything that Lua counts must fit in a double.
constexpr std::uint64_t kCountMax = (std::uint64_t{1} << 53) - 1;

void put_fields(std::string& out, base::ProducerId producer, base::PersonId person, std::uint16_t x,
                std::uint16_t y, std::uint8_t color, std::uint64_t sequence,
                std::string_view name) {
  name = base::truncate_utf8(name, base::limits::kNameBytesMax);
  base::put(out, base::number(producer));
  base::put(out, base::number(person));
  base::put(out, x);
  base::put(out, y);
  base::put(out, color);
  base::put(out, sequence);
  base::put(out, static_cast<std::uint8_t>(name.size()));
  out += name;
}

// One operation of a record; a reader that failed, or a wrong number, gives false.
bool get_entry(base::ByteReader& reader, RecordedEntry& entry) {
  entry.producer = base::ProducerId{reader.get<std::uint64_t>()};
  entry.entry.person = base::PersonId{reader.get<std::int64_t>()};
  entry.entry.x = reader.get<std::uint16_t>();
  entry.entry.y = reader.get<std::uint16_t>();
  entry.entry.color = reader.get<std::uint8_t>();
  entry.sequence = reader.get<std::uint64_t>();
  const auto name_bytes = reader.get<std::uint8_t>();
  if (name_bytes > base::limits::kNameBytesMax || entry.sequence > kCountMax) return false;
  entry.name = reader.take(name_bytes);
  return reader.ok();
}

std::optional<RulesChanged> decode_rules(base::ByteReader& reader) {
  RulesChanged changed;
  changed.rules.cooldown_ms = reader.get<std::uint32_t>();
  changed.rules.charges_max = reader.get<std::uint32_t>();
  const auto frozen = reader.get<std::uint8_t>();
  changed.rules.frozen = frozen == 1;
  changed.version = reader.get<std::uint64_t>();
  if (!reader.complete() || frozen > 1 || changed.rules.charges_max == 0) return std::nullopt;
  return changed;
}

std::optional<Presence> decode_presence(base::ByteReader& reader) {
  Presence presence;
  presence.replica = reader.get<std::uint64_t>();
  presence.number = reader.get<std::uint64_t>();
  presence.online = reader.get<std::uint32_t>();
  if (!reader.complete()) return std::nullopt;
  return presence;
}

std::optional<Answer> get_answer(base::ByteReader& reader) {
  const auto status = reader.get<std::uint8_t>();
  canvas::Position position;
  position.epoch = reader.get<std::uint64_t>();
  position.offset = reader.get<std::uint64_t>();
  canvas::Charges charges;
  charges.left = reader.get<std::uint32_t>();
  charges.next_charge_ms = reader.get<std::uint32_t>();
  const auto wait_ms = reader.get<std::uint32_t>();
  if (status == 0) {
    if (position.epoch == 0 || position.offset == 0 || wait_ms != 0) return std::nullopt;
    return Accepted{position, charges};
  }
  if (status > static_cast<std::uint8_t>(canvas::kLastRefusal) || position != canvas::Position{}) {
    return std::nullopt;
  }
  return Refused{static_cast<Refusal>(status), wait_ms, charges};
}

}  // namespace

void put_operation(std::string& out, const canvas::Operation& operation) {
  put_fields(out, operation.producer, operation.person, operation.x, operation.y, operation.color,
             operation.sequence, operation.name);
}

std::string encode_operations(std::span<const canvas::Operation> operations) {
  std::string out;
  out.reserve(operations.size() * (kOperationHeadBytes + 16));
  for (const auto& operation : operations) put_operation(out, operation);
  return out;
}

std::string encode_record(const Record& record) {
  std::string out;
  out.reserve(kRecordHeadBytes + record.entries.size() * (kOperationHeadBytes + 16));
  out.push_back(kRecordKind);
  base::put(out, record.epoch);
  base::put(out, record.base);
  base::put(out, record.base_digest);
  base::put(out, record.digest);
  base::put(out, record.time_ms);
  base::put(out, static_cast<std::uint32_t>(record.entries.size()));
  for (const auto& [entry, producer, sequence, name] : record.entries) {
    put_fields(out, producer, entry.person, entry.x, entry.y, entry.color, sequence, name);
  }
  return out;
}

std::vector<Record> records_of(std::uint64_t epoch, std::uint64_t base_digest,
                               std::span<const RecordedEntry> entries) {
  std::vector<Record> records;
  for (const auto& entry : entries) {
    if (records.empty() || records.back().time_ms != entry.entry.time_ms ||
        records.back().entries.size() == base::limits::kJournalBatchMax) {
      const auto before = records.empty() ? base_digest : records.back().digest;
      records.push_back({.epoch = epoch,
                         .base = entry.entry.offset - 1,
                         .base_digest = before,
                         .time_ms = entry.entry.time_ms});
    }
    records.back().entries.push_back(entry);
    records.back().digest = entry.entry.digest;
  }
  return records;
}

std::optional<Record> decode_record(std::string_view bytes) {
  base::ByteReader reader(bytes);
  if (reader.get<char>() != kRecordKind) return std::nullopt;
  Record record;
  record.epoch = reader.get<std::uint64_t>();
  record.base = reader.get<std::uint64_t>();
  record.base_digest = reader.get<std::uint64_t>();
  record.digest = reader.get<std::uint64_t>();
  record.time_ms = reader.get<std::int64_t>();
  const auto count = reader.get<std::uint32_t>();
  if (!reader.ok() || record.epoch == 0 || record.epoch > kCountMax || record.base > kCountMax ||
      record.time_ms < 0 || count > base::limits::kJournalBatchMax) {
    return std::nullopt;
  }
  record.entries.resize(count);
  std::uint64_t offset = record.base;
  for (auto& entry : record.entries) {
    entry.entry.offset = ++offset;
    entry.entry.time_ms = record.time_ms;
    if (!get_entry(reader, entry)) return std::nullopt;
  }
  if (!reader.complete()) return std::nullopt;
  return record;
}

bool fill_digests(Record& record) {
  std::uint64_t digest = record.base_digest;
  for (auto& [entry, producer, sequence, name] : record.entries) {
    entry.digest = digest = canvas::next_digest(digest, entry);
  }
  return digest == record.digest;
}

std::optional<std::vector<Answer>> decode_answers(std::string_view bytes, std::size_t count) {
  if (count > base::limits::kJournalBatchMax || bytes.size() != count * kAnswerBytes) {
    return std::nullopt;
  }
  std::vector<Answer> answers;
  answers.reserve(count);
  base::ByteReader reader(bytes);
  while (!reader.at_end()) {
    auto answer = get_answer(reader);
    if (!answer) return std::nullopt;
    answers.push_back(*answer);
  }
  return answers;
}

std::string encode_presence(const Presence& presence) {
  std::string out(1, kPresenceKind);
  base::put(out, presence.replica);
  base::put(out, presence.number);
  base::put(out, presence.online);
  return out;
}

std::optional<PubSubMessage> decode_message(std::string_view bytes) {
  base::ByteReader reader(bytes);
  switch (reader.get<char>()) {
    case kRecordKind:
      return decode_record(bytes);
    case kRulesKind:
      return decode_rules(reader);
    case kPresenceKind:
      return decode_presence(reader);
    default:
      return std::nullopt;
  }
}

}  // namespace journal
