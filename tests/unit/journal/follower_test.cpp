#include "journal/redis/follower.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "canvas/digest.hpp"

namespace journal {
namespace {

using Verdict = Follower::Verdict;

/// A record of `count` entries after a standpoint.
Record record_after(const canvas::Standing& at, std::size_t count, std::uint8_t color = 1) {
  Record record{.epoch = at.position.epoch,
                .base = at.position.offset,
                .base_digest = at.digest,
                .digest = at.digest,
                .time_ms = 1'000};
  for (std::size_t i = 0; i < count; ++i) {
    RecordedEntry recorded;
    recorded.entry.offset = record.base + i + 1;
    recorded.entry.time_ms = record.time_ms;
    recorded.entry.color = color;
    record.digest = canvas::next_digest(record.digest, recorded.entry);
    record.entries.push_back(recorded);
  }
  return record;
}

class FollowerTest : public testing::Test {
 protected:
  FollowerTest() { follower.reset({{3, 10}, 77}, {}, 77); }

  Verdict offer(Record record) { return follower.offer(record); }

  Follower follower;
};

TEST_F(FollowerTest, AppliesWhatFollows) {
  auto record = record_after(follower.at(), 2);
  EXPECT_EQ(follower.offer(record), Verdict::applied);
  EXPECT_EQ(follower.at(), (canvas::Standing{{3, 12}, record.digest}));
  ASSERT_EQ(follower.recent().size(), 2U);
  EXPECT_EQ(follower.recent().back().entry.digest, record.digest);
  EXPECT_EQ(record.entries, std::vector(follower.recent().begin(), follower.recent().end()))
      << "the entries have their digests";
}

TEST_F(FollowerTest, KnowsWhatItHasSeen) {
  const auto first = record_after(follower.at(), 2);
  ASSERT_EQ(offer(first), Verdict::applied);
  const auto second = record_after(follower.at(), 1);
  ASSERT_EQ(offer(second), Verdict::applied);
  EXPECT_EQ(offer(first), Verdict::known);
  EXPECT_EQ(offer(second), Verdict::known);
  EXPECT_EQ(offer(Record{.epoch = 2, .base = 50}), Verdict::known) << "of an epoch that is over";
  EXPECT_EQ(follower.at().position.offset, 13U);
}

TEST_F(FollowerTest, SeesAGap) {
  const auto first = record_after(follower.at(), 2);
  const auto second = record_after({first.end(), first.digest}, 2);
  EXPECT_EQ(offer(second), Verdict::gap);
  EXPECT_EQ(follower.at().position.offset, 10U);
  EXPECT_EQ(offer(first), Verdict::applied);
  EXPECT_EQ(offer(second), Verdict::applied);
}

TEST_F(FollowerTest, SeesThatTheJournalTookAnotherWay) {
  const auto start = follower.at();
  ASSERT_EQ(offer(record_after(start, 2)), Verdict::applied);
  EXPECT_EQ(offer(record_after(start, 2, 9)), Verdict::diverged) << "as long, of other entries";
  EXPECT_EQ(offer(record_after(start, 1, 9)), Verdict::diverged) << "shorter";
  EXPECT_EQ(offer(record_after(start, 3, 9)), Verdict::diverged) << "longer: it passes us by";
  EXPECT_EQ(offer(record_after({follower.at().position, 5}, 1)), Verdict::diverged)
      << "it follows something else at our offset";
  EXPECT_EQ(follower.at().position.offset, 12U);
}

TEST_F(FollowerTest, ADamagedRecordIsNotApplied) {
  auto record = record_after(follower.at(), 2);
  record.entries[0].entry.color = 30;
  EXPECT_EQ(offer(record), Verdict::diverged);
  EXPECT_EQ(follower.at().position.offset, 10U);
}

TEST_F(FollowerTest, ALaterEpochIsLoadedAnew) {
  EXPECT_EQ(offer(Record{.epoch = 4, .base = 10, .base_digest = 77, .digest = 77}), Verdict::later);
  EXPECT_EQ(offer(Record{.epoch = 3, .base = 10, .base_digest = 77, .digest = 77}), Verdict::known)
      << "where its own epoch began";
}

TEST_F(FollowerTest, RemembersTheNewestEntriesAndTheDigestBeforeThem) {
  std::vector<std::uint64_t> digests{follower.at().digest};
  while (follower.at().position.offset < 10 + base::limits::kTailEntriesMax + 100) {
    ASSERT_EQ(offer(record_after(follower.at(), 50)), Verdict::applied);
    for (std::size_t i = follower.recent().size() - 50; i < follower.recent().size(); ++i) {
      digests.push_back(follower.recent()[i].entry.digest);
    }
  }
  EXPECT_EQ(follower.recent().size(), base::limits::kTailEntriesMax);
  const auto oldest = follower.recent().front().entry.offset;
  EXPECT_EQ(follower.digest_at(oldest - 1), digests[oldest - 1 - 10]);
  EXPECT_EQ(follower.digest_at(oldest), digests[oldest - 10]);
  EXPECT_EQ(follower.digest_at(follower.at().position.offset), follower.at().digest);
}

}  // namespace
}  // namespace journal
