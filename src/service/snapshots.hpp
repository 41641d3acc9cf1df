// Snapshots ready to be served: the board compressed once per position and encoding, on a thread of
// its own, shared by everyone who asks.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "canvas/palette.hpp"
#include "ops/metrics.hpp"
#include "service/live_canvas.hpp"
#include "wire/frame.hpp"

namespace service {

enum class Encoding : std::uint8_t { identity, gzip, br, zstd, png };
inline constexpr std::size_t kEncodings = 5;

struct EncodedSnapshot {
  wire::SharedBytes bytes;
  canvas::Standing standing;
  std::int64_t made_ms = 0;  // base::steady_ms()
};

/// Thread-safe. Owns one thread, joined by the destructor; whoever waits then gets nothing.
class Snapshots {
 public:
  using Found = std::shared_ptr<const EncodedSnapshot>;

  Snapshots(const LiveCanvas& live, std::span<const canvas::Color> palette,
            ops::CanvasMetrics& metrics);
  ~Snapshots();
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  /// A snapshot at least as new as `min_offset`, or as the journal if that is behind it; it may lag
  /// the journal by at most limits::kSnapshotAgeMs. At once if there is one; otherwise nothing is
  /// returned and `later` gets it, on the thread that makes snapshots.
  Found get(Encoding encoding, std::uint64_t min_offset, std::function<void(Found)> later);

 private:
  struct Slot {
    Found newest;
    std::vector<std::function<void(Found)>> waiting;
    std::vector<std::weak_ptr<const std::string>> held;  // the maker's; not protected
  };
  [[nodiscard]] bool serves(const Found& found, std::uint64_t min_offset) const;
  void run();
  [[nodiscard]] std::optional<std::size_t> next_wanted(std::size_t last) const;
  [[nodiscard]] Found make(Encoding encoding, Slot& slot) const;

  const LiveCanvas& live_;
  const std::span<const canvas::Color> palette_;
  std::vector<ops::Gauge> bytes_by_encoding_;

  std::mutex mutex_;  // protects all that follows but the thread
  std::condition_variable wanted_;
  std::array<Slot, kEncodings> slots_;
  bool stopping_ = false;
  std::thread maker_;
};

/// The `Content-Encoding` of an encoding, empty for identity and png.
std::string_view content_encoding(Encoding encoding);

/// Whether an `Accept-Encoding` field names the encoding and does not refuse it with q=0 (RFC 9110,
/// section 12.5.3).
bool accepts(std::string_view accept_encoding, std::string_view encoding);

/// The best encoding of snapshots that an `Accept-Encoding` field allows.
Encoding negotiate(std::string_view accept_encoding);

}  // namespace service
