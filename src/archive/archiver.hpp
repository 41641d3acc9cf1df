// The archiver: copies the journal into the archive, on a thread of its own. Every program of a
// canvas runs one; the one that gets the lock copies, the others wait for it to end.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/archive.hpp"
#include "archive/types.hpp"
#include "base/result.hpp"
#include "canvas/board.hpp"
#include "postgres/url.hpp"

namespace archive {

/// What follows a position, as Archive::append takes it.
struct Batch {
  std::vector<ArchivedEntry> entries;
  std::vector<NewEpoch> epochs;
  Cursor next;
  [[nodiscard]] bool empty() const { return entries.empty() && epochs.empty(); }
};

/// The journal that is copied. Called from the archiver's thread; a call may take seconds.
class Source {
 public:
  virtual ~Source() = default;
  /// What follows `after`, some limits::kArchiveBatchMax entries at most; empty: nothing yet.
  virtual base::Result<Batch> read(const Cursor& after) = 0;
  /// Everything up to here is archived and need not be kept for that.
  virtual void archived(const Cursor& cursor) = 0;
};

struct ArchiverOptions {
  postgres::Url url;
  postgres::Options postgres;
  canvas::Board blank;  // the canvas before its first entry
  /// From the archiver's thread: how far the archive is, as far as is known, and what hinders the
  /// copying; empty when nothing does.
  std::function<void(const Cursor& cursor, const std::string& problem)> on_progress;
};

class Archiver {
 public:
  Archiver(ArchiverOptions options, std::unique_ptr<Source> source);
  ~Archiver() { stop(); }
  Archiver(const Archiver&) = delete;
  Archiver& operator=(const Archiver&) = delete;

  /// Ends the thread; takes as long as the call under way, seconds at most. Idempotent.
  void stop();

 private:
  void run();
  void work();
  void copy(Archive& archive);
  Status copy_some(Archive& archive, bool& all);
  Status put_board(Archive& archive);
  void follow(const Batch& batch);
  bool pause(std::int64_t ms);
  void tell(const std::string& problem);

  const ArchiverOptions options_;
  const std::unique_ptr<Source> source_;

  // The thread's own.
  Cursor cursor_;
  std::optional<canvas::StandingBoard> board_;  // at cursor_; nothing: it must be read again
  std::uint64_t since_board_ = 0;               // entries

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace archive
