// WebSocket frames, against RFC 6455 section 5.2.
#include "wire/frame.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace wire {
namespace {

std::string head_of(std::size_t payload_bytes) {
  const std::string payload(payload_bytes, 'x');
  const auto whole = frame(payload);
  EXPECT_TRUE(whole.ends_with(payload));
  return base::to_hex(whole.substr(0, whole.size() - payload_bytes));
}

TEST(Frame, ASmallLengthIsInTheSecondByte) {
  EXPECT_EQ(head_of(0), "8200");
  EXPECT_EQ(head_of(1), "8201");
  EXPECT_EQ(head_of(125), "827d");
}

TEST(Frame, From126OnTheLengthTakesTwoBytes) {
  EXPECT_EQ(head_of(126), "827e007e");
  EXPECT_EQ(head_of(256), "827e0100");
  EXPECT_EQ(head_of(65'535), "827effff");
}

TEST(Frame, From65536OnTheLengthTakesEightBytes) {
  EXPECT_EQ(head_of(65'536), "827f0000000000010000");
  EXPECT_EQ(head_of(16'909'060), "827f0000000001020304");
}

TEST(Frame, IsFinalAndUnmaskedWhateverItsOpcode) {
  EXPECT_EQ(base::to_hex(frame(Opcode::binary, "hi")), "82026869");
  EXPECT_EQ(base::to_hex(frame(Opcode::ping, "")), "8900");
  EXPECT_EQ(base::to_hex(frame(Opcode::close, "")), "8800");
}

TEST(Frame, ThatIsSharedIsTheSameFrame) { EXPECT_EQ(*shared_frame("hello"), frame("hello")); }

TEST(CloseFrame, HoldsTheCodeInNetworkOrder) {
  EXPECT_EQ(base::to_hex(close_frame(CloseCode::restart)), "880203f4");
  EXPECT_EQ(base::to_hex(close_frame(CloseCode::version)), "88020fa4");  // 4004
}

}  // namespace
}  // namespace wire
