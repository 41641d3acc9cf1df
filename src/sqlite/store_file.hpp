// The file of an embedded store: its kind and version stand in the header, and a commit is on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sqlite/database.hpp"

namespace sqlite {

struct StoreFormat {
  std::string_view kind;  // "journal", for whoever opens another one
  std::int32_t application_id = 0;
  std::int32_t version = 0;
  const char* schema = nullptr;  // of a new one
};

/// Opens a store, or makes one where there is none: write-ahead log, every commit synced. Throws
/// std::runtime_error, with one line saying why, when the file is something else.
Database open_store(const std::string& path, const StoreFormat& format);

}  // namespace sqlite
