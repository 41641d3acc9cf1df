#include "canvas/picture.hpp"

#include <stdexcept>
#include <vector>

#include <png.h>

namespace canvas {

namespace {

[[noreturn]] void on_error(png_structp, png_const_charp message) {
  throw std::runtime_error(std::string("libpng: ") + message);
}

void on_warning(png_structp, png_const_charp) {}

void on_write(png_structp png, png_bytep bytes, png_size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(bytes), size);
}

/// Owns libpng's two structures.
class Writer {
 public:
  explicit Writer(std::string& out)
      : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, on_error, on_warning)),
        info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {
    if (info_ == nullptr) throw std::runtime_error("libpng: no memory");
    png_set_write_fn(png_, &out, on_write, nullptr);
  }
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }

 private:
  png_structp png_;
  png_infop info_;
};

}  // namespace

std::string to_png(const Board& board, std::span<const Color> palette) {
  std::string out;
  Writer writer(out);
  std::vector<png_color> colors;
  for (const Color& color : palette) colors.push_back({color.red, color.green, color.blue});

  const Size size = board.size();
  png_set_IHDR(writer.png(), writer.info(), size.width, size.height, 8, PNG_COLOR_TYPE_PALETTE,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(writer.png(), writer.info(), colors.data(), static_cast<int>(colors.size()));
  png_set_compression_level(writer.png(), 4);
  png_set_filter(writer.png(), 0, PNG_FILTER_NONE);  // filters do not help palette indices
  png_write_info(writer.png(), writer.info());
  const auto* row = reinterpret_cast<png_const_bytep>(board.pixels().data());
  for (unsigned y = 0; y < size.height; ++y, row += size.width) png_write_row(writer.png(), row);
  png_write_end(writer.png(), writer.info());
  return out;
}

}  // namespace canvas
