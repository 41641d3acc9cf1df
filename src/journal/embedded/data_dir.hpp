// The folder the embedded journal lives in, held by one process at a time.
#pragma once

#include <string>

namespace journal {

/// Creates the folder if it is missing (mode 0700) and locks it until destruction; the kernel
/// releases the lock when the process dies. Throws std::runtime_error, with one line saying why.
class DataDir {
 public:
  explicit DataDir(std::string path);
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;
  ~DataDir();

  [[nodiscard]] std::string database_path() const { return path_ + "/journal.db"; }

 private:
  std::string path_;
  int lock_;
};

}  // namespace journal
