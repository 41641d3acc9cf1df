#include "archive/archiver.hpp"

#include <chrono>
#include <utility>

namespace archive {

namespace {

constexpr std::int64_t kIdleMs = 200;      // until the journal is asked again
constexpr std::int64_t kRetryMs = 1'000;   // after something went wrong
constexpr std::int64_t kFollowerMs = 500;  // until one that does not lead looks again
// A restore begins at the newest board and reads on from there.
constexpr std::uint64_t kBoardEveryEntries = 100'000;

}  // namespace

Archiver::Archiver(ArchiverOptions options, std::unique_ptr<Source> source)
    : options_(std::move(options)), source_(std::move(source)) {
  thread_ = std::thread([this] { run(); });
}

void Archiver::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

/// False: stop() was called.
bool Archiver::pause(std::int64_t ms) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping_; });
}

void Archiver::tell(const std::string& problem) { options_.on_progress(cursor_, problem); }

void Archiver::run() {
  do {
    work();
  } while (pause(kRetryMs));
}

/// With one connection, until it is lost or somebody else leads.
void Archiver::work() {
  auto archive = Archive::open(options_.url, options_.postgres);
  if (!archive) return tell(archive.error().message);
  while (true) {
    const auto cursor = archive->cursor();
    if (!cursor) return tell(cursor.error().message);
    cursor_ = *cursor;
    tell({});
    const auto leads = archive->try_lead();
    if (!leads) return tell(leads.error().message);
    if (*leads) break;
    if (!pause(kFollowerMs)) return;
  }
  copy(*archive);
}

void Archiver::copy(Archive& archive) {
  board_.reset();
  while (true) {
    bool all = false;
    if (const auto copied = copy_some(archive, all); !copied) return tell(copied.error().message);
    if (!pause(all ? kIdleMs : 0)) return;
  }
}

Status Archiver::copy_some(Archive& archive, bool& all) {
  const auto batch = source_->read(cursor_);
  if (!batch) {
    all = true;
    tell(batch.error().message);
    return base::Done{};
  }
  all = batch->empty();
  if (all) {
    tell({});
    return base::Done{};
  }
  if (const auto stored = archive.append(batch->entries, batch->epochs, cursor_, batch->next);
      !stored) {
    return stored.error();
  }
  follow(*batch);
  source_->archived(cursor_);
  tell({});
  return since_board_ >= kBoardEveryEntries ? put_board(archive) : Status(base::Done{});
}

/// Brings the board to the new cursor. Where history was lost it is read again when it is needed.
void Archiver::follow(const Batch& batch) {
  cursor_ = batch.next;
  since_board_ += batch.entries.size();
  if (!batch.epochs.empty()) board_.reset();
  if (!board_) return;
  for (const auto& archived : batch.entries) board_->board.apply(archived.entry);
  board_->at = cursor_;
}

Status Archiver::put_board(Archive& archive) {
  if (!board_) {
    auto replayed = archive.replay(options_.blank);
    if (!replayed) return replayed.error();
    board_ = std::move(replayed).value();
  }
  since_board_ = 0;
  return archive.put_board(board_->at.position, board_->at.digest, board_->board);
}

}  // namespace archive
