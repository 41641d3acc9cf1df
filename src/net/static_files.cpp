#include "net/static_files.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "service/snapshots.hpp"

namespace net {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kContentTypes{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".map", "application/json"},
}};

// Only our own code runs on the page; Telegram may show it in a frame, nobody else.
constexpr std::string_view kPageHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self' https://web.telegram.org https://*.telegram.org\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n";

std::string_view content_type_of(const fs::path& name) {
  const auto extension = name.extension().string();
  for (const auto& [known, type] : kContentTypes) {
    if (extension == known) return type;
  }
  return "application/octet-stream";
}

/// The build puts files with hashed names, and only those, under assets/.
bool is_immutable(std::string_view path) { return path.starts_with("/assets/"); }

}  // namespace

base::Result<StaticFiles> StaticFiles::load(const std::string& folder) {
  StaticFiles loaded;
  if (folder.empty()) return loaded;
  std::error_code error;
  std::map<std::string, std::string> contents;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file()) continue;
    std::ifstream in(entry->path(), std::ios::binary);
    if (!in) return base::Error{"cannot read " + entry->path().string()};
    contents["/" + fs::relative(entry->path(), folder).generic_string()] =
        std::string(std::istreambuf_iterator<char>(in), {});
  }
  if (error) return base::Error{"cannot read the folder " + folder + ": " + error.message()};
  const auto variant = [&](const std::string& name) -> wire::SharedBytes {
    const auto found = contents.find(name);
    if (found == contents.end()) return nullptr;
    return std::make_shared<const std::string>(found->second);
  };
  for (const auto& [path, bytes] : contents) {
    if (path.ends_with(".br") || path.ends_with(".gz")) continue;
    loaded.files_[path] = {.content_type = content_type_of(path),
                           .etag = base::to_hex(base::sha256(bytes)).substr(0, 16),
                           .immutable = is_immutable(path),
                           .plain = std::make_shared<const std::string>(bytes),
                           .br = variant(path + ".br"),
                           .gzip = variant(path + ".gz")};
  }
  return loaded;
}

const StaticFiles::File* StaticFiles::find(std::string_view path) const {
  const auto found = files_.find(path == "/" ? std::string_view("/index.html") : path);
  return found == files_.end() ? nullptr : &found->second;
}

service::Reply StaticFiles::reply(const File& file, const service::Headers& headers) {
  service::Reply reply{.content_type = file.content_type};
  reply.headers = file.immutable ? "Cache-Control: public, max-age=31536000, immutable\r\n"
                                 : "Cache-Control: no-cache\r\n";
  if (file.content_type.starts_with("text/html")) reply.headers += kPageHeaders;

  std::string_view encoding;
  wire::SharedBytes bytes = file.plain;
  const auto accepted = headers.get("Accept-Encoding");
  if (file.br && service::accepts(accepted, "br")) {
    encoding = "br";
    bytes = file.br;
  } else if (file.gzip && service::accepts(accepted, "gzip")) {
    encoding = "gzip";
    bytes = file.gzip;
  }
  if (file.br || file.gzip) reply.headers += "Vary: Accept-Encoding\r\n";
  const auto etag = "\"" + file.etag + (encoding.empty() ? "" : "-") + std::string(encoding) + "\"";
  reply.headers += "ETag: " + etag + "\r\n";
  if (service::is_unchanged(headers.get("If-None-Match"), etag)) {
    reply.status = 304;
    return reply;
  }
  if (!encoding.empty()) reply.headers.append("Content-Encoding: ").append(encoding).append("\r\n");
  reply.body = std::move(bytes);
  return reply;
}

}  // namespace net
