// The front end's files, read once at start and served from memory with their precompressed
// variants.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "service/http.hpp"

namespace net {

/// Immutable once loaded; thread-safe.
class StaticFiles {
 public:
  /// Reads every file below `folder`; `name.br` and `name.gz` become variants of `name`. An empty
  /// folder name serves nothing.
  static base::Result<StaticFiles> load(const std::string& folder);

  /// The file at `path` (`/` is index.html), or nullptr.
  struct File;
  [[nodiscard]] const File* find(std::string_view path) const;

  [[nodiscard]] static service::Reply reply(const File& file, const service::Headers& headers);

  struct File {
    std::string_view content_type;
    std::string etag;
    bool immutable = false;  // its name holds a hash of its content
    wire::SharedBytes plain;
    wire::SharedBytes br;
    wire::SharedBytes gzip;
  };

 private:
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace net
