// Little-endian numbers and varints.
#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/text.hpp"

namespace base {
namespace {

std::string varint(std::uint32_t value) {
  std::string out;
  put_varint(out, value);
  return to_hex(out);
}

std::uint32_t read_varint(std::string_view hex, bool& complete) {
  const auto bytes = *from_hex(hex);
  ByteReader reader(bytes);
  const auto value = reader.get_varint();
  complete = reader.complete();
  return value;
}

TEST(Put, WritesTheLeastSignificantByteFirst) {
  std::string out;
  put(out, std::uint16_t{0x0102});
  put(out, std::uint32_t{0x03040506});
  put(out, std::uint64_t{0x0708090a0b0c0d0e});
  put(out, std::int64_t{-2});
  EXPECT_EQ(to_hex(out),
            "020106050403"
            "0e0d0c0b0a090807"
            "feffffffffffffff");
}

TEST(ByteReader, ReadsBackWhatWasPut) {
  std::string bytes;
  put(bytes, std::uint8_t{7});
  put(bytes, std::int64_t{-5});
  put_varint(bytes, 300);
  bytes += "tail";

  ByteReader reader(bytes);
  EXPECT_EQ(reader.get<std::uint8_t>(), 7);
  EXPECT_EQ(reader.get<std::int64_t>(), -5);
  EXPECT_EQ(reader.get_varint(), 300U);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.take(2), "ta");
  EXPECT_EQ(reader.take_rest(), "il");
  EXPECT_TRUE(reader.complete());
}

TEST(ByteReader, FailsForGoodPastTheEnd) {
  ByteReader reader(std::string_view("\x01\x02\x03", 3));
  EXPECT_EQ(reader.get<std::uint32_t>(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.get<std::uint8_t>(), 0) << "nothing is read after a failure";
  EXPECT_FALSE(reader.complete());
}

TEST(ByteReader, DoesNotTakeMoreThanThereIs) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.take(4), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, IsNotCompleteWithBytesLeftOver) {
  ByteReader reader("ab");
  reader.get<std::uint8_t>();
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.complete());
}

TEST(Varint, HoldsSevenBitsAByte) {
  EXPECT_EQ(varint(0), "00");
  EXPECT_EQ(varint(127), "7f");
  EXPECT_EQ(varint(128), "8001");
  EXPECT_EQ(varint(64'103), "e7f403");
  EXPECT_EQ(varint(std::numeric_limits<std::uint32_t>::max()), "ffffffff0f");
}

TEST(Varint, ReadsBackEveryLength) {
  for (std::uint64_t value = 1; value <= UINT32_MAX; value *= 3) {
    std::string bytes;
    put_varint(bytes, static_cast<std::uint32_t>(value));
    ByteReader reader(bytes);
    EXPECT_EQ(reader.get_varint(), value);
    EXPECT_TRUE(reader.complete());
  }
}

TEST(Varint, RefusesWhatDoesNotFitIn32Bits) {
  bool complete = true;
  EXPECT_EQ(read_varint("ffffffff10", complete), 0U);
  EXPECT_FALSE(complete);
  EXPECT_EQ(read_varint("ffffffffff01", complete), 0U) << "six bytes";
  EXPECT_FALSE(complete);
}

TEST(Varint, RefusesOneThatDoesNotEnd) {
  bool complete = true;
  EXPECT_EQ(read_varint("8080", complete), 0U);
  EXPECT_FALSE(complete);
}

}  // namespace
}  // namespace base
