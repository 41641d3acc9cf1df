// Checks what every client is told: the deltas of each follow one another without a gap or a
// duplicate, all clients at a position have its digest, and whoever is told the same entries is
// told the same pixels. Keeps one board for all of them, moved by the deltas. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canvas/standing.hpp"
#include "wire/protocol.hpp"

namespace load {

/// What is wrong, as one of a few words that can be counted, and in full.
struct Fault {
  std::string what;
  std::string detail;
};

/// Where one client stands; with epoch 0 nowhere yet.
using Reader = canvas::Standing;

/// Not thread-safe. Costs a few comparisons for a delta that another client had before.
class Checker {
 public:
  /// `start` is the server's own snapshot; the deltas move it from there.
  Checker(canvas::StandingBoard start, unsigned color_bits);

  struct Seen {
    std::optional<Fault> fault;
    /// The pixels, if this is the first client that is told of these entries.
    const std::vector<canvas::PixelChange>* news = nullptr;
    /// The same number for all clients that are told of the same entries, for a while.
    std::size_t slot = 0;
  };
  /// A delta for a client, which it moves. What is at fault moves nobody.
  Seen delta(Reader& reader, std::string_view message);

  /// A server stands at a position, or says so. Of each the first digest is remembered, and every
  /// other one must be the same.
  std::optional<Fault> stands(const canvas::Standing& standing);

  /// A placement was acknowledged: the pixel must be among those of the delta with that entry. Says
  /// so now, or when the delta has come.
  void acknowledged(const canvas::Position& position, std::uint32_t index);
  /// Of acknowledgements since the last call.
  std::optional<Fault> take_fault();

  /// Where the one board stands.
  [[nodiscard]] const canvas::Standing& standing() const { return board_.at; }
  /// Against the server's newest board, which must not be ahead. Pixels that were drawn after it
  /// are left out.
  [[nodiscard]] std::optional<Fault> compare(const canvas::StandingBoard& found) const;

  /// Numbers of the slots that Seen::slot may have.
  static constexpr std::size_t kSlots = 1024;

 private:
  /// What one delta says, the entries after `from` up to `to`.
  struct Told {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::vector<canvas::PixelChange> pixels;  // ascending by index
  };
  /// The message that was seen last for these entries.
  struct Slot {
    canvas::Position from;
    std::uint64_t to = 0;
    std::string message;
    Told told;
  };
  struct Mark {
    canvas::Position position;
    std::uint64_t digest = 0;
  };
  struct Promise {
    std::uint64_t offset = 0;
    std::uint32_t index = 0;
  };

  std::optional<Fault> read(std::string_view message, Told& told) const;
  std::optional<Fault> contradicts(const Told& told) const;
  std::optional<Fault> lacks(const Told& told) const;
  std::optional<Fault> differs(const Told& told) const;
  void follow(const Told& told, std::uint64_t digest);
  void move(const Told& told, std::uint64_t digest);
  void keep(const Promise& promise);
  void settle_promises();

  const unsigned color_bits_;
  canvas::StandingBoard board_;
  std::deque<Told> log_;  // what moved the board, oldest first
  std::size_t log_pixels_ = 0;
  std::map<std::uint64_t, std::pair<Told, std::uint64_t>> ahead_;  // by from; with the digest
  std::vector<Slot> slots_;
  std::vector<Mark> marks_;        // the digest of an offset is at offset % size
  std::vector<Promise> promises_;  // of entries that no delta had yet
  std::optional<Fault> broken_;    // the first promise that was
};

}  // namespace load
