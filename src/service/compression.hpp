// gzip, brotli and zstd at the levels that suit a board: a few milliseconds for a megabyte.
#pragma once

#include <string>
#include <string_view>

namespace service {

/// Each throws std::runtime_error if its library fails, which only lack of memory makes it do.
std::string gzip(std::string_view bytes);
std::string brotli(std::string_view bytes);
std::string zstd(std::string_view bytes);

}  // namespace service
