// The outbox, over a socket whose buffer is tiny.
#include "net/outbox.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/limits.hpp"

namespace net {
namespace {

using State = Outbox::State;

class OutboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets_.data()), 0);
    const int bytes = 1;  // the kernel makes it its smallest
    ASSERT_EQ(::setsockopt(sockets_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    outbox.emplace(sockets_[0]);
  }
  void TearDown() override {
    for (const int socket : sockets_) {
      if (socket >= 0) ::close(socket);
    }
  }

  /// What has arrived at the client.
  std::string received() {
    std::string all;
    std::array<char, 4096> bytes{};
    ssize_t size = 0;
    while ((size = ::recv(sockets_[1], bytes.data(), bytes.size(), 0)) > 0) {
      all.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return all;
  }

  /// Reads and flushes until nothing is waiting.
  std::string received_in_the_end() {
    std::string all;
    State state = State::blocked;
    while (state == State::blocked) {
      all += received();
      state = outbox->flush();
    }
    EXPECT_EQ(state, State::empty);
    return all + received();
  }

  void client_leaves() {
    ::close(sockets_[1]);
    sockets_[1] = -1;
  }

  static wire::SharedBytes shared(std::size_t bytes, char fill = 's') {
    return std::make_shared<const std::string>(bytes, fill);
  }

  std::optional<Outbox> outbox;

 private:
  std::array<int, 2> sockets_{-1, -1};
};

constexpr std::size_t kLarge = 1'000'000;

TEST_F(OutboxTest, SendsASharedFrameAtOnce) {
  EXPECT_TRUE(outbox->empty());
  EXPECT_EQ(outbox->send(shared(100)), State::empty);
  EXPECT_TRUE(outbox->empty());
  EXPECT_EQ(outbox->take_bytes_sent(), 100U);
  EXPECT_EQ(outbox->take_bytes_sent(), 0U) << "counted once";
  EXPECT_EQ(received(), std::string(100, 's'));
}

TEST_F(OutboxTest, GathersSmallFramesUntilFlushed) {
  EXPECT_TRUE(outbox->add("one "));
  EXPECT_TRUE(outbox->add("two"));
  EXPECT_FALSE(outbox->empty());
  EXPECT_EQ(received(), "");
  EXPECT_EQ(outbox->flush(), State::empty);
  EXPECT_EQ(received(), "one two");
  EXPECT_TRUE(outbox->empty());
  EXPECT_EQ(outbox->flush(), State::empty) << "there is nothing to do";
}

TEST_F(OutboxTest, KeepsWhatTheKernelDoesNotTakeWithoutCopyingIt) {
  const auto frame = shared(kLarge);
  EXPECT_EQ(outbox->send(frame), State::blocked);
  EXPECT_FALSE(outbox->empty());
  const auto sent = outbox->take_bytes_sent();
  EXPECT_LT(sent, kLarge);
  EXPECT_EQ(frame.use_count(), 2) << "shared, not copied";
  EXPECT_EQ(received_in_the_end(), *frame);
  EXPECT_EQ(sent + outbox->take_bytes_sent(), kLarge);
  EXPECT_EQ(frame.use_count(), 1) << "and let go";
}

TEST_F(OutboxTest, ABlockedSocketStaysBlockedUntilTheClientReads) {
  ASSERT_EQ(outbox->send(shared(kLarge)), State::blocked);
  EXPECT_GT(outbox->take_bytes_sent(), 0U);
  EXPECT_EQ(outbox->flush(), State::blocked);
  EXPECT_EQ(outbox->take_bytes_sent(), 0U);
  received();
  EXPECT_EQ(outbox->flush(), State::blocked);
  EXPECT_GT(outbox->take_bytes_sent(), 0U);
}

TEST_F(OutboxTest, NothingLandsInTheMiddleOfAFrame) {
  ASSERT_EQ(outbox->send(shared(kLarge)), State::blocked);
  EXPECT_TRUE(outbox->add("first,"));
  received();
  ASSERT_EQ(outbox->flush(), State::blocked);
  EXPECT_TRUE(outbox->add("second"));
  const auto rest = received_in_the_end();
  EXPECT_TRUE(rest.ends_with("sfirst,second"));
  EXPECT_EQ(outbox->take_bytes_sent(), kLarge + 12);
}

TEST_F(OutboxTest, SmallFramesKeepTheirOrderWhenTheyAreSentInParts) {
  std::string expected;
  std::string arrived;
  for (int i = 0; i < 2000; ++i) {
    const auto frame = std::to_string(i) + std::string(50, '.');
    while (!outbox->add(frame)) {
      arrived += received();
      ASSERT_NE(outbox->flush(), State::failed);
    }
    expected += frame;
    if (i % 7 == 0) {
      ASSERT_NE(outbox->flush(), State::failed);
    }
  }
  arrived += received_in_the_end();
  EXPECT_EQ(arrived, expected);
}

TEST_F(OutboxTest, HasRoomForSoManySmallBytesOnly) {
  using base::limits::kOutboxBytesMax;
  ASSERT_EQ(outbox->send(shared(kLarge)), State::blocked);
  EXPECT_TRUE(outbox->add(std::string(kOutboxBytesMax - 1, 'a')));
  EXPECT_FALSE(outbox->add("bb"));
  EXPECT_TRUE(outbox->add("b"));
  EXPECT_FALSE(outbox->add("c"));
  EXPECT_TRUE(received_in_the_end().ends_with("ab")) << "what had no room was left out whole";
  EXPECT_TRUE(outbox->add("c")) << "there is room again";
}

TEST_F(OutboxTest, FailsWhenTheClientIsGone) {
  ASSERT_EQ(outbox->send(shared(kLarge)), State::blocked);
  client_leaves();
  EXPECT_EQ(outbox->flush(), State::failed);
}

TEST_F(OutboxTest, FailsAtOnceWhenTheClientWasGoneBefore) {
  client_leaves();
  EXPECT_EQ(outbox->send(shared(10)), State::failed);
  EXPECT_TRUE(outbox->empty()) << "nothing is kept for nobody";
}

TEST_F(OutboxTest, WritesNothingAnyMoreOnceItsSocketIsAbandoned) {
  ASSERT_EQ(outbox->send(shared(kLarge)), State::blocked);
  outbox->abandon();
  const auto before = received().size();
  EXPECT_EQ(outbox->flush(), State::failed);
  EXPECT_EQ(received().size(), 0U) << "after " << before;
}

}  // namespace
}  // namespace net
