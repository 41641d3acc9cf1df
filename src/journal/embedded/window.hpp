// What the journal remembers of a producer: its last accepted operations with their answers, so
// that a repeated one gets the first answer back (docs/protocol.md, "Exactly once").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "canvas/operation.hpp"

namespace journal {

/// One accepted operation and its answer.
struct Remembered {
  std::uint64_t sequence = 0;
  std::uint64_t offset = 0;
  canvas::Charges charges;
};

/// The last limits::kProducerWindow accepted operations of one producer, sequences ascending.
class Window {
 public:
  Window() = default;
  /// For each, oldest first, as LEB128 numbers: its sequence and its offset, both less those of
  /// the one before, and the charges. The shorter the row, the fewer pages a batch changes.
  [[nodiscard]] std::string encoded() const;
  /// From what encoded() gave; nullopt if it is nothing of the kind.
  static std::optional<Window> decoded(std::string_view bytes);

  [[nodiscard]] const Remembered* find(std::uint64_t sequence) const;
  /// The last accepted sequence; 0 when there was none.
  [[nodiscard]] std::uint64_t last_sequence() const;
  /// Adds the newest, whose sequence is above last_sequence(), and forgets the oldest if need be.
  void remember(const Remembered& accepted);

 private:
  std::size_t size_ = 0;
  std::array<Remembered, base::limits::kProducerWindow> remembered_{};
};

}  // namespace journal
