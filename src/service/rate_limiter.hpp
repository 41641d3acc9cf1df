// How often something may be done per key (an address, a person): a token bucket for each key, in a
// table of bounded size.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace service {

/// Thread-safe. Keys are hashed, so two keys may share a bucket once in 2^64.
class RateLimiter {
 public:
  /// `per_second` of 0 switches the limit off; up to `burst` at once.
  RateLimiter(double per_second, double burst);

  /// Takes one for the key. Returns 0 if it may go on, otherwise how many milliseconds to wait
  /// (then nothing was taken). `now_ns` is base::steady_ns().
  std::int64_t take(std::uint64_t key, std::int64_t now_ns);
  std::int64_t take(std::string_view key, std::int64_t now_ns) {
    return interval_ns_ == 0 ? 0 : take(std::hash<std::string_view>{}(key), now_ns);
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, std::int64_t> full_at_ns;  // when the bucket is full again
  };
  static void make_room(Shard& shard, std::int64_t now_ns);

  std::int64_t interval_ns_;
  std::int64_t burst_ns_;
  std::array<Shard, 16> shards_;
};

}  // namespace service
