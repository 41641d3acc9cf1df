// The embedded journal for tests: a temporary folder and a clock that can be set.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <stdlib.h>

#include "journal/embedded/embedded_journal.hpp"
#include "tests/contract/backend.hpp"

namespace contract {

/// A new folder, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "journal-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline journal::EmbeddedOptions embedded_options(const std::string& folder,
                                                 const Settings& settings = {}) {
  journal::EmbeddedOptions options;
  options.data_dir = folder + "/data";
  options.size = settings.size;
  options.blank_color = settings.blank_color;
  options.rules = settings.rules;
  return options;
}

class EmbeddedBackend final : public Backend {
 public:
  std::unique_ptr<journal::Journal> open(const Settings& settings) override {
    auto options = embedded_options(folder_.path(), settings);
    if (*clock_ != 0) options.now_ms = [clock = clock_] { return clock->load(); };
    return journal::make_embedded(std::move(options));
  }
  bool set_clock(std::int64_t now_ms) override {
    *clock_ = now_ms;
    return true;
  }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<std::atomic<std::int64_t>> clock_ =
      std::make_shared<std::atomic<std::int64_t>>(0);
};

}  // namespace contract
