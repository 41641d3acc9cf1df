// The running digest, against values computed by other means (Python's hashlib and struct).
#include "canvas/digest.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace canvas {
namespace {

const Entry kFirst{.offset = 1,
                   .time_ms = 1'790'000'000'000,
                   .person = base::PersonId{-4211},
                   .x = 3,
                   .y = 2,
                   .color = 7};
const Entry kSecond{.offset = 2,
                    .time_ms = 1'790'000'000'001,
                    .person = base::PersonId{99},
                    .x = 65'535,
                    .y = 0,
                    .color = 255};

TEST(Digest, AnEntryIsTwentyNineLittleEndianBytes) {
  EXPECT_EQ(entry_bytes(kFirst).size(), kEntryBytes);
  EXPECT_EQ(base::to_hex(entry_bytes(kFirst)),
            "0100000000000000006c50c4a00100008defffffffffffff0300020007");
  EXPECT_EQ(base::to_hex(entry_bytes(kSecond)),
            "0200000000000000016c50c4a00100006300000000000000ffff0000ff");
}

TEST(Digest, FollowsTheSpecification) {
  const auto first = next_digest(0, kFirst);
  EXPECT_EQ(base::to_hex(first), "e98f3762be84bc93");
  EXPECT_EQ(base::to_hex(next_digest(first, kSecond)), "e8fb301563965fe3");
}

TEST(Digest, DependsOnEveryFieldAndOnWhatCameBefore) {
  const auto digest = next_digest(0, kFirst);
  EXPECT_NE(next_digest(1, kFirst), digest);
  auto entry = kFirst;
  entry.offset = 2;
  EXPECT_NE(next_digest(0, entry), digest);
  entry = kFirst;
  entry.time_ms += 1;
  EXPECT_NE(next_digest(0, entry), digest);
  entry = kFirst;
  entry.person = base::PersonId{4211};
  EXPECT_NE(next_digest(0, entry), digest);
  entry = kFirst;
  std::swap(entry.x, entry.y);
  EXPECT_NE(next_digest(0, entry), digest);
  entry = kFirst;
  entry.color = 8;
  EXPECT_NE(next_digest(0, entry), digest);
}

}  // namespace
}  // namespace canvas
