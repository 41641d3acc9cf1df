// Snapshots: fresh enough, made once for everyone who asks, readable in every encoding.
#include "service/snapshots.hpp"

#include <gtest/gtest.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <future>
#include <random>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "tests/unit/service/fakes.hpp"

namespace service {
namespace {

constexpr canvas::Size kSize{200, 100};

std::string from_gzip(const std::string& bytes, std::size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  return out;
}

std::string from_brotli(const std::string& bytes, std::size_t size) {
  std::string out(size + 1, '\0');
  std::size_t written = out.size();
  EXPECT_EQ(
      ::BrotliDecoderDecompress(bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                &written, reinterpret_cast<std::uint8_t*>(out.data())),
      BROTLI_DECODER_RESULT_SUCCESS);
  out.resize(written);
  return out;
}

std::string from_zstd(const std::string& bytes, std::size_t size) {
  std::string out(size + 1, '\0');
  const auto written = ::ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
  EXPECT_EQ(::ZSTD_isError(written), 0U);
  out.resize(written);
  return out;
}

class SnapshotsTest : public ::testing::Test {
 protected:
  using Found = Snapshots::Found;

  void place(std::uint16_t x, std::uint16_t y, std::uint8_t color) {
    apply(live, entry(live.standing().position.offset + 1, x, y, color));
  }

  /// Asks and waits.
  Found ask(Encoding encoding, std::uint64_t min_offset = 0) {
    std::promise<Found> later;
    auto answer = later.get_future();
    if (auto now = snapshots.get(encoding, min_offset, [&](Found f) { later.set_value(f); })) {
      return now;
    }
    return answer.get();
  }

  /// What is there already.
  Found at_once(Encoding encoding, std::uint64_t min_offset = 0) {
    return snapshots.get(encoding, min_offset, [](const Found&) {});
  }

  /// Holds the thread that makes snapshots until the returned promise is set.
  std::promise<void> hold_the_maker() {
    std::promise<void> release;
    std::promise<void> held;
    const auto released = release.get_future().share();
    snapshots.get(Encoding::png, 0, [&held, released](const Found&) {
      held.set_value();
      released.wait();
    });
    held.get_future().wait();
    return release;
  }

  ops::CanvasMetrics metrics{"test"};
  LiveCanvas live{start_at({7, 100}, kSize), kColorBits, metrics};
  Snapshots snapshots{live, canvas::kDefaultPalette, metrics};
};

TEST_F(SnapshotsTest, EveryEncodingIsTheBoard) {
  std::mt19937 random(4);
  for (int i = 0; i < 5000; ++i) {
    place(static_cast<std::uint16_t>(random() % kSize.width),
          static_cast<std::uint16_t>(random() % kSize.height),
          static_cast<std::uint8_t>(random() % 32));
  }
  const auto& board = live.snapshot().board;
  const auto pixels = board.pixels();
  EXPECT_EQ(*ask(Encoding::identity)->bytes, pixels);
  EXPECT_EQ(from_gzip(*ask(Encoding::gzip)->bytes, pixels.size()), pixels);
  EXPECT_EQ(from_brotli(*ask(Encoding::br)->bytes, pixels.size()), pixels);
  EXPECT_EQ(from_zstd(*ask(Encoding::zstd)->bytes, pixels.size()), pixels);
  EXPECT_EQ(ask(Encoding::png)->bytes->substr(0, 8), "\x89PNG\r\n\x1a\n");
}

TEST_F(SnapshotsTest, SaysWhereItStands) {
  place(1, 1, 1);
  const auto found = ask(Encoding::identity);
  EXPECT_EQ(found->standing.position, (canvas::Position{7, 101}));
  EXPECT_EQ(found->standing.digest, digest_at(101));
}

TEST_F(SnapshotsTest, IsThereAtOnceAsLongAsNothingChanges) {
  const auto made = ask(Encoding::gzip);
  EXPECT_EQ(at_once(Encoding::gzip), made);
  EXPECT_EQ(at_once(Encoding::gzip, 100), made);
  EXPECT_EQ(at_once(Encoding::gzip, 1'000'000), made) << "nobody has anything newer";
}

TEST_F(SnapshotsTest, MayLagButNotBehindTheOffsetAskedFor) {
  const auto old_one = ask(Encoding::identity);
  place(1, 1, 1);
  EXPECT_EQ(at_once(Encoding::identity), old_one) << "less than a second old";
  EXPECT_EQ(at_once(Encoding::identity, 100), old_one);
  EXPECT_EQ(at_once(Encoding::identity, 101), nullptr);
  const auto new_one = ask(Encoding::identity, 101);
  EXPECT_EQ(new_one->standing.position.offset, 101U);
  EXPECT_EQ(at_once(Encoding::identity), new_one);
}

TEST_F(SnapshotsTest, LagsAtMostItsAge) {
  const auto old_one = ask(Encoding::identity);
  place(1, 1, 1);
  const auto too_old_ms = old_one->made_ms + base::limits::kSnapshotAgeMs;
  std::this_thread::sleep_for(std::chrono::milliseconds(too_old_ms - base::steady_ms()));
  EXPECT_EQ(ask(Encoding::identity)->standing.position.offset, 101U);
}

TEST_F(SnapshotsTest, EverybodyWhoWaitsGetsTheSameOne) {
  auto release = hold_the_maker();
  constexpr std::size_t kAsked = 50;
  std::array<std::promise<Found>, kAsked> answers;
  for (auto& answer : answers) {
    EXPECT_EQ(snapshots.get(Encoding::br, 0, [&](Found found) { answer.set_value(found); }),
              nullptr);
  }
  release.set_value();
  const auto first = answers.front().get_future().get();
  ASSERT_NE(first, nullptr);
  for (std::size_t i = 1; i < kAsked; ++i) EXPECT_EQ(answers[i].get_future().get(), first);
}

TEST_F(SnapshotsTest, IsNeverOlderThanTheQuestion) {
  auto release = hold_the_maker();
  place(9, 9, 9);
  std::promise<Found> answer;
  snapshots.get(Encoding::identity, 0, [&](Found found) { answer.set_value(found); });
  release.set_value();
  EXPECT_EQ(answer.get_future().get()->standing.position.offset, 101U);
}

TEST_F(SnapshotsTest, WhoeverKeepsOneEncodingBusyDoesNotKeepTheOthersWaiting) {
  std::atomic<bool> answered = false;
  std::function<void(const Found&)> again = [&](const Found&) {
    if (answered) return;
    place(1, 1, 1);
    snapshots.get(Encoding::identity, UINT64_MAX, again);
  };
  again(nullptr);
  std::promise<void> br;
  snapshots.get(Encoding::br, 0, [&](const Found&) {
    answered = true;
    br.set_value();
  });
  EXPECT_EQ(br.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  answered = true;
  ask(Encoding::gzip);  // the last of `again` has ended when this one is answered
}

TEST_F(SnapshotsTest, SlowReadersHoldABoundedNumberOfVersions) {
  std::vector<Found> held;
  const auto ask_for_the_newest = [&] {
    place(1, 1, 1);
    return ask(Encoding::identity, live.standing().position.offset);
  };
  for (std::size_t i = 0; i < base::limits::kSnapshotVersionsMax; ++i) {
    held.push_back(ask_for_the_newest());
    ASSERT_NE(held.back(), nullptr) << i;
  }
  EXPECT_EQ(ask_for_the_newest(), nullptr);
  EXPECT_NE(ask(Encoding::gzip), nullptr) << "other encodings are not disturbed";
  held.erase(held.begin());
  EXPECT_NE(ask_for_the_newest(), nullptr);
}

TEST_F(SnapshotsTest, WhoWaitsWhenTheServerStopsGetsNothing) {
  int answered = 0;
  std::promise<void> held;
  std::promise<void> release;
  {
    Snapshots stopping(live, canvas::kDefaultPalette, metrics);
    stopping.get(Encoding::png, 0, [&](const Found&) {
      held.set_value();
      release.get_future().wait();
    });
    held.get_future().wait();
    stopping.get(Encoding::br, 0, [&](const Found&) { ++answered; });
    release.set_value();
  }
  EXPECT_LE(answered, 1) << "and nothing comes after the destructor";
}

}  // namespace
}  // namespace service
