#include "service/snapshots.hpp"

#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "canvas/picture.hpp"
#include "ops/log.hpp"
#include "service/compression.hpp"

namespace service {

namespace {

constexpr std::array<std::string_view, kEncodings> kNames = {"identity", "gzip", "br", "zstd",
                                                             "png"};

std::string encode(Encoding encoding, const canvas::Board& board,
                   std::span<const canvas::Color> palette) {
  switch (encoding) {
    case Encoding::gzip:
      return gzip(board.pixels());
    case Encoding::br:
      return brotli(board.pixels());
    case Encoding::zstd:
      return zstd(board.pixels());
    case Encoding::png:
      return canvas::to_png(board, palette);
    case Encoding::identity:
      break;
  }
  return board.pixels();
}

}  // namespace

std::string_view content_encoding(Encoding encoding) {
  if (encoding == Encoding::identity || encoding == Encoding::png) return {};
  return kNames[static_cast<std::size_t>(encoding)];
}

Snapshots::Snapshots(const LiveCanvas& live, std::span<const canvas::Color> palette,
                     ops::CanvasMetrics& metrics)
    : live_(live), palette_(palette) {
  for (const auto name : kNames) bytes_by_encoding_.push_back(metrics.snapshot_bytes.with(name));
  maker_ = std::thread([this] { run(); });
}

Snapshots::~Snapshots() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_one();
  maker_.join();
}

bool Snapshots::serves(const Found& found, std::uint64_t min_offset) const {
  if (!found) return false;
  const auto now = live_.standing().position;
  const auto then = found->standing.position;
  if (then.epoch != now.epoch) return false;
  if (then.offset == now.offset) return true;
  return then.offset >= std::min(min_offset, now.offset) &&
         base::steady_ms() - found->made_ms < base::limits::kSnapshotAgeMs;
}

Snapshots::Found Snapshots::get(Encoding encoding, std::uint64_t min_offset,
                                std::function<void(Found)> later) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[static_cast<std::size_t>(encoding)];
  if (serves(slot.newest, min_offset)) return slot.newest;
  slot.waiting.push_back(std::move(later));
  wanted_.notify_one();
  return nullptr;
}

/// Null when slow readers already hold as many versions as we keep for them.
Snapshots::Found Snapshots::make(Encoding encoding, Slot& slot) const {
  std::erase_if(slot.held, [](const auto& version) { return version.expired(); });
  if (slot.held.size() >= base::limits::kSnapshotVersionsMax) return nullptr;
  const auto made_ms = base::steady_ms();
  const auto snapshot = live_.snapshot();
  auto bytes = std::make_shared<const std::string>(encode(encoding, snapshot.board, palette_));
  bytes_by_encoding_[static_cast<std::size_t>(encoding)].set(static_cast<double>(bytes->size()));
  slot.held.emplace_back(bytes);
  return std::make_shared<const EncodedSnapshot>(
      EncodedSnapshot{std::move(bytes), snapshot.at, made_ms});
}

/// The next slot after `last` that somebody waits for; slots take turns, so that whoever keeps one
/// busy does not keep the others waiting.
std::optional<std::size_t> Snapshots::next_wanted(std::size_t last) const {
  for (std::size_t i = 1; i <= slots_.size(); ++i) {
    const auto at = (last + i) % slots_.size();
    if (!slots_[at].waiting.empty()) return at;
  }
  return std::nullopt;
}

void Snapshots::run() {
  std::size_t last = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [&] { return stopping_ || next_wanted(last); });
    if (stopping_) return;
    last = *next_wanted(last);
    Slot& slot = slots_[last];
    // Taken before the board is read, so nobody gets a board older than their question.
    const auto waiting = std::exchange(slot.waiting, {});
    lock.unlock();
    Found made;
    try {
      made = make(static_cast<Encoding>(last), slot);
    } catch (const std::exception& bug) {
      ops::log::error("a snapshot could not be made", {{"what", bug.what()}});
    }
    lock.lock();
    if (made) slot.newest = made;  // before the answers: whoever asks meanwhile finds it
    lock.unlock();
    for (const auto& later : waiting) later(made);
    lock.lock();
  }
}

bool accepts(std::string_view accept_encoding, std::string_view encoding) {
  while (!accept_encoding.empty()) {
    const auto item = accept_encoding.substr(0, accept_encoding.find(','));
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), item.size() + 1));
    const auto semicolon = item.find(';');
    if (!base::equal_ignoring_case(base::trim(item.substr(0, semicolon)), encoding)) continue;
    if (semicolon == std::string_view::npos) return true;
    const auto quality = base::trim(item.substr(semicolon + 1));
    return !base::equal_ignoring_case(quality.substr(0, 3), "q=0") ||
           quality.find_first_not_of("0.", 2) != std::string_view::npos;
  }
  return false;
}

Encoding negotiate(std::string_view accept_encoding) {
  for (const auto encoding : {Encoding::zstd, Encoding::br, Encoding::gzip}) {
    if (accepts(accept_encoding, content_encoding(encoding))) return encoding;
  }
  return Encoding::identity;
}

}  // namespace service
