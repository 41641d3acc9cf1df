// The folder in which the embedded profile keeps its work, held by one process at a time.
#pragma once

#include <string>
#include <string_view>

namespace sqlite {

/// Creates the folder if it is missing (mode 0700) and locks it until destruction; the kernel
/// releases the lock when the process dies. Throws std::runtime_error, with one line saying why.
class DataDir {
 public:
  explicit DataDir(std::string path);
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;
  ~DataDir();

  /// The path of a file in the folder.
  [[nodiscard]] std::string file(std::string_view name) const {
    return std::string(path_).append("/").append(name);
  }

 private:
  std::string path_;
  int lock_;
};

}  // namespace sqlite
