// The codec of the journal over Redis: golden vectors, round trips, malformed bytes; and the
// function library that is part of the binary.
#include "journal/redis/codec.hpp"

#include <fstream>
#include <iterator>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "journal/redis/library.hpp"
#include "tests/unit/vectors.hpp"

namespace journal {
namespace {

using boost::json::value;

/// Calls `check(vector)` for each vector of one format; there must be some.
template <class Check>
void for_each_vector(std::string_view format, const Check& check) {
  const auto all = vectors::load("redis.json");
  int found = 0;
  for (const auto& vector : all) {
    if (vectors::text(vector.at("format")) != format) continue;
    SCOPED_TRACE(vectors::text(vector.at("name")));
    ++found;
    check(vector);
  }
  EXPECT_GT(found, 0) << format;
}

canvas::Operation operation_of(const value& fields) {
  return {.person = base::PersonId{vectors::number<std::int64_t>(fields.at("person"))},
          .producer = base::ProducerId{vectors::number<std::uint64_t>(fields.at("producer"))},
          .sequence = vectors::number<std::uint64_t>(fields.at("sequence")),
          .x = vectors::number<std::uint16_t>(fields.at("x")),
          .y = vectors::number<std::uint16_t>(fields.at("y")),
          .color = vectors::number<std::uint8_t>(fields.at("color")),
          .name = vectors::text(fields.at("name"))};
}

RecordedEntry entry_of(const Record& record, const canvas::Operation& operation) {
  return {.entry = {.offset = record.base + record.entries.size() + 1,
                    .time_ms = record.time_ms,
                    .person = operation.person,
                    .x = operation.x,
                    .y = operation.y,
                    .color = operation.color},
          .producer = operation.producer,
          .sequence = operation.sequence,
          .name = operation.name};
}

Record head_of(const value& fields) {
  return {.epoch = vectors::number<std::uint64_t>(fields.at("epoch")),
          .base = vectors::number<std::uint64_t>(fields.at("base")),
          .base_digest = vectors::digest(fields.at("base_digest")),
          .digest = vectors::digest(fields.at("digest")),
          .time_ms = vectors::number<std::int64_t>(fields.at("time_ms"))};
}

Record record_of(const value& fields) {
  Record record = head_of(fields);
  for (const auto& operation : fields.at("operations").as_array()) {
    record.entries.push_back(entry_of(record, operation_of(operation)));
  }
  return record;
}

canvas::Answer answer_of(const value& fields) {
  const canvas::Charges charges{vectors::number<std::uint32_t>(fields.at("left")),
                                vectors::number<std::uint32_t>(fields.at("next_charge_ms"))};
  const auto status = vectors::number<std::uint8_t>(fields.at("status"));
  if (status != 0) {
    return canvas::Refused{static_cast<canvas::Refusal>(status),
                           vectors::number<std::uint32_t>(fields.at("wait_ms")), charges};
  }
  return canvas::Accepted{{vectors::number<std::uint64_t>(fields.at("epoch")),
                           vectors::number<std::uint64_t>(fields.at("offset"))},
                          charges};
}

TEST(Codec, EncodesOperations) {
  std::string all;
  std::vector<canvas::Operation> operations;
  for_each_vector("operation", [&](const value& vector) {
    operations.push_back(operation_of(vector.at("fields")));
    std::string bytes;
    put_operation(bytes, operations.back());
    EXPECT_EQ(bytes, vectors::bytes(vector.at("hex")));
    all += bytes;
  });
  EXPECT_EQ(encode_operations(operations), all);
  EXPECT_EQ(encode_operations({}), "");
}

TEST(Codec, CutsANameThatIsTooLongBetweenCharacters) {
  canvas::Operation operation{.sequence = 1, .name = "x" + std::string(70, 'n')};
  std::string bytes;
  put_operation(bytes, operation);
  EXPECT_EQ(bytes.size(), kOperationHeadBytes + 64);
  operation.name = "x";
  for (int i = 0; i < 40; ++i) operation.name += "я";
  bytes.clear();
  put_operation(bytes, operation);
  EXPECT_EQ(bytes.size(), kOperationHeadBytes + 63);
}

TEST(Codec, DecodesAndEncodesRecords) {
  for_each_vector("record", [](const value& vector) {
    const auto& fields = vector.at("fields");
    const auto bytes = vectors::bytes(vector.at("hex"));
    const auto decoded = decode_record(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, record_of(fields));
    EXPECT_EQ(encode_record(*decoded), bytes);
    EXPECT_EQ(decoded->end(),
              (canvas::Position{decoded->epoch,
                                decoded->base + fields.at("operations").as_array().size()}));
  });
}

TEST(Codec, FillsInTheDigestsOfARecord) {
  for_each_vector("record", [](const value& vector) {
    const auto& digests = vector.at("fields").at("digests").as_array();
    auto record = decode_record(vectors::bytes(vector.at("hex")));
    ASSERT_TRUE(record);
    EXPECT_TRUE(fill_digests(*record));
    ASSERT_EQ(record->entries.size(), digests.size());
    for (std::size_t i = 0; i < digests.size(); ++i) {
      EXPECT_EQ(record->entries[i].entry.digest, vectors::digest(digests[i]));
    }
    auto spoilt = *record;
    spoilt.digest ^= 1;
    EXPECT_FALSE(fill_digests(spoilt));
    spoilt = *record;
    spoilt.base_digest ^= 1;
    EXPECT_FALSE(fill_digests(spoilt));
    if (record->entries.empty()) return;
    spoilt = *record;
    spoilt.entries.front().entry.color ^= 1;
    EXPECT_FALSE(fill_digests(spoilt));
  });
}

TEST(Codec, TakesTheLargestRecord) {
  for_each_vector("large record", [](const value& vector) {
    Record record = head_of(vector.at("fields"));
    for (std::uint16_t n = 1; n <= base::limits::kJournalBatchMax; ++n) {
      record.entries.push_back(entry_of(record, {.person = base::PersonId{n},
                                                 .producer = base::ProducerId{n},
                                                 .sequence = n,
                                                 .x = static_cast<std::uint16_t>(n % 64),
                                                 .y = static_cast<std::uint16_t>(n % 64),
                                                 .color = static_cast<std::uint8_t>(n % 32)}));
    }
    auto bytes = encode_record(record);
    EXPECT_EQ(bytes.size(), vector.at("bytes").to_number<std::size_t>());
    const auto hash = base::sha1(bytes);
    EXPECT_EQ(base::to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()}),
              vectors::text(vector.at("sha1")));
    auto decoded = decode_record(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, record);
    EXPECT_TRUE(fill_digests(*decoded));

    record.entries.push_back(record.entries.back());
    EXPECT_FALSE(decode_record(encode_record(record))) << "one too many";
  });
}

TEST(Codec, GathersEntriesIntoRecordsOfOneTimeEach) {
  const auto entry = [](std::uint64_t offset, std::int64_t time_ms) {
    return RecordedEntry{.entry = {.offset = offset, .time_ms = time_ms, .color = 3}};
  };
  Record first{.epoch = 4, .base = 10, .base_digest = 77, .time_ms = 5};
  first.entries = {entry(11, 5), entry(12, 5)};
  Record second{.epoch = 4, .base = 12, .time_ms = 6};
  for (std::uint64_t n = 1; n <= base::limits::kJournalBatchMax; ++n) {
    second.entries.push_back(entry(12 + n, 6));
  }
  Record third{.epoch = 4, .base = second.end().offset, .time_ms = 6};
  third.entries = {entry(third.base + 1, 6)};
  std::vector<RecordedEntry> all;
  std::uint64_t digest = first.base_digest;
  for (auto* record : {&first, &second, &third}) {
    record->base_digest = digest;
    static_cast<void>(fill_digests(*record));
    digest = record->digest = record->entries.back().entry.digest;
    all.insert(all.end(), record->entries.begin(), record->entries.end());
  }
  EXPECT_EQ(records_of(4, 77, all), (std::vector{first, second, third}));
  EXPECT_TRUE(records_of(4, 77, {}).empty());
}

TEST(Codec, DecodesAnswers) {
  std::string all;
  std::vector<canvas::Answer> expected;
  for_each_vector("answer", [&](const value& vector) {
    const auto bytes = vectors::bytes(vector.at("hex"));
    expected.push_back(answer_of(vector.at("fields")));
    const auto decoded = decode_answers(bytes, 1);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->front(), expected.back());
    all += bytes;
  });
  const auto decoded = decode_answers(all, expected.size());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, expected);
  EXPECT_FALSE(decode_answers(all, expected.size() - 1));
  EXPECT_FALSE(decode_answers(all, expected.size() + 1));
  EXPECT_TRUE(decode_answers("", 0));
  EXPECT_FALSE(decode_answers(all, SIZE_MAX / kAnswerBytes + 1)) << "no multiplication may wrap";
}

TEST(Codec, DecodesWhatTheLibraryGaveForTheBatches) {
  for_each_vector("batches", [](const value& vector) {
    for (const auto& batch : vector.at("batches").as_array()) {
      const auto count = batch.at("count").to_number<std::size_t>();
      const auto answers = decode_answers(vectors::bytes(batch.at("answers")), count);
      ASSERT_TRUE(answers);
      const auto bytes = vectors::bytes(batch.at("record"));
      if (bytes.empty()) continue;
      auto record = decode_record(bytes);
      ASSERT_TRUE(record);
      EXPECT_TRUE(fill_digests(*record));
      const auto end = record->end();
      EXPECT_EQ(std::to_string(end.epoch) + "-" + std::to_string(end.offset),
                vectors::text(batch.at("id")));
      EXPECT_EQ(record->time_ms, batch.at("time_ms").to_number<std::int64_t>());
    }
  });
}

TEST(Codec, DecodesMessages) {
  for_each_vector("message", [](const value& vector) {
    const auto& fields = vector.at("fields");
    const auto bytes = vectors::bytes(vector.at("hex"));
    const auto message = decode_message(bytes);
    ASSERT_TRUE(message);
    if (vectors::text(vector.at("kind")) == "presence") {
      const auto* presence = std::get_if<Presence>(&*message);
      ASSERT_TRUE(presence);
      EXPECT_EQ(presence->replica, vectors::number<std::uint64_t>(fields.at("replica")));
      EXPECT_EQ(presence->number, vectors::number<std::uint64_t>(fields.at("number")));
      EXPECT_EQ(presence->online, vectors::number<std::uint32_t>(fields.at("online")));
      EXPECT_EQ(encode_presence(*presence), bytes);
      return;
    }
    const auto* changed = std::get_if<RulesChanged>(&*message);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->rules.cooldown_ms, vectors::number<std::uint32_t>(fields.at("cooldown_ms")));
    EXPECT_EQ(changed->rules.charges_max, vectors::number<std::uint32_t>(fields.at("charges_max")));
    EXPECT_EQ(changed->rules.frozen, vectors::number<int>(fields.at("frozen")) == 1);
    EXPECT_EQ(changed->version, vectors::number<std::uint64_t>(fields.at("version")));
  });
  for_each_vector("record", [](const value& vector) {
    const auto message = decode_message(vectors::bytes(vector.at("hex")));
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<Record>(*message), record_of(vector.at("fields")));
  });
}

TEST(Codec, RefusesWhatIsMalformed) {
  for_each_vector("malformed record", [](const value& vector) {
    EXPECT_FALSE(decode_record(vectors::bytes(vector.at("hex"))));
  });
  for_each_vector("malformed answer", [](const value& vector) {
    EXPECT_FALSE(decode_answers(vectors::bytes(vector.at("hex")), 1));
  });
  for_each_vector("malformed message", [](const value& vector) {
    EXPECT_FALSE(decode_message(vectors::bytes(vector.at("hex"))));
  });
}

TEST(Codec, RefusesEveryCutOfARecord) {
  for_each_vector("record", [](const value& vector) {
    const auto bytes = vectors::bytes(vector.at("hex"));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_record(std::string_view(bytes).substr(0, size))) << size;
    }
  });
}

TEST(Library, IsTheTextOfItsFilesAndHasItsName) {
  std::string text;
  for (const char* name :
       {"pixel_battle.lua", "pixel_battle_knobs.lua", "pixel_battle_epochs.lua"}) {
    std::ifstream file(std::string("src/journal/redis/") + name);
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_EQ(kLibraryText, text);
  EXPECT_TRUE(kLibraryText.starts_with("#!lua name=" + std::string(kLibraryName) + "\n"));
}

}  // namespace
}  // namespace journal
