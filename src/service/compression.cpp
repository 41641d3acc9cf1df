#include "service/compression.hpp"

#include <stdexcept>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

namespace service {

namespace {

constexpr int kGzipLevel = 5;
constexpr int kBrotliQuality = 5;
constexpr int kZstdLevel = 6;
constexpr int kGzipWindowBits = 15 + 16;  // 16: a gzip header instead of zlib's

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindowBits, 9, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("zlib: no memory");
  }
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib: deflate failed");
  return out;
}

std::string brotli(std::string_view bytes) {
  std::size_t size = ::BrotliEncoderMaxCompressedSize(bytes.size());
  std::string out(size, '\0');
  if (::BrotliEncoderCompress(kBrotliQuality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC,
                              bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                              &size, reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_FALSE) {
    throw std::runtime_error("brotli: compression failed");
  }
  out.resize(size);
  return out;
}

std::string zstd(std::string_view bytes) {
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  const auto size = ::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (::ZSTD_isError(size) != 0) {
    throw std::runtime_error(std::string("zstd: ") + ::ZSTD_getErrorName(size));
  }
  out.resize(size);
  return out;
}

}  // namespace service
