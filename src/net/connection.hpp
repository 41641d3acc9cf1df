// What every open connection has in common: its worker can look at its deadlines, ask it to finish
// and end it.
#pragma once

#include <cstdint>
#include <memory>

namespace net {

/// Bytes that went over a socket.
struct Traffic {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
};

/// Lives on its worker's thread. None of these calls ends the connection before it returns: closing
/// a socket only makes its coroutine end later, so a list of connections may be walked meanwhile.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Called every limits::kSweepMs: ends what has taken too long. `now_ms` is base::steady_ms().
  virtual void sweep(std::int64_t now_ms) = 0;

  /// Finish what is under way and take nothing new.
  virtual void drain() = 0;

  /// Close now, whatever is under way.
  virtual void abort() = 0;

  /// What has passed since it was asked the last time.
  virtual Traffic take_traffic() = 0;

  /// Whether its worker has removed it: only its memory may still be held.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  friend class Worker;
  std::size_t place_ = 0;  // in the worker's list
  bool ended_ = false;
};

}  // namespace net
