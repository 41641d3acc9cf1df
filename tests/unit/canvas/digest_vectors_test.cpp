// The running digest over the golden vectors.
#include "canvas/digest.hpp"
#include "tests/unit/vectors.hpp"

namespace canvas {
namespace {

Entry entry_of(const boost::json::value& fields) {
  return {.offset = vectors::number<std::uint64_t>(fields.at("offset")),
          .time_ms = vectors::number<std::int64_t>(fields.at("time_ms")),
          .person = base::PersonId{vectors::number<std::int64_t>(fields.at("person"))},
          .x = vectors::number<std::uint16_t>(fields.at("x")),
          .y = vectors::number<std::uint16_t>(fields.at("y")),
          .color = vectors::number<std::uint8_t>(fields.at("color"))};
}

TEST(DigestVectors, GiveTheDigestAfterEveryEntry) {
  const auto all = vectors::load("digest.json");
  ASSERT_FALSE(all.empty());
  for (const auto& vector : all) {
    SCOPED_TRACE(vectors::text(vector.at("name")));
    auto digest = vectors::digest(vector.at("start"));
    for (const auto& fields : vector.at("entries").as_array()) {
      const auto entry = entry_of(fields);
      EXPECT_EQ(entry_bytes(entry), vectors::bytes(fields.at("entry_hex")));
      digest = next_digest(digest, entry);
      EXPECT_EQ(base::to_hex(digest), vectors::text(fields.at("digest")));
    }
  }
}

}  // namespace
}  // namespace canvas
