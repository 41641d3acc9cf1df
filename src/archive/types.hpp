// The words of the archive: what it keeps, how far it has come, what can go wrong.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "canvas/operation.hpp"
#include "canvas/standing.hpp"
#include "postgres/error.hpp"

namespace archive {

/// One accepted placement with everything that the journal knows of it.
struct ArchivedEntry {
  canvas::Entry entry;
  std::uint64_t epoch = 0;
  base::ProducerId producer{};
  std::uint64_t sequence = 0;
  std::string name;  // of the person, when they placed it
};

/// An epoch of the journal begins: `base` is the offset before its first entry, `base_digest` the
/// digest there. Entries of older epochs above the base are void: they were lost from the board.
struct NewEpoch {
  std::uint64_t epoch = 0;
  std::uint64_t base = 0;
  std::uint64_t base_digest = 0;
  friend bool operator==(const NewEpoch&, const NewEpoch&) = default;
};

/// How far the archive has come: everything up to `position` is in it. All zero when it is empty.
using Cursor = canvas::Standing;

/// One line of a pixel's history.
struct Placement {
  canvas::Entry entry;
  std::uint64_t epoch = 0;
  std::string name;  // of the person, as of their last archived placement
};

enum class Failed {
  unavailable,      // PostgreSQL is away, too slow, or the connection is lost: open another one
  lost_leadership,  // somebody else has moved the cursor; nothing was written
  wrong_schema,     // migrations must run first, or this program is too old
  misused,          // what was asked for cannot be right; nothing was written
  damaged,          // what is stored contradicts itself
  refused,          // PostgreSQL said no (its disk is full, say); nothing was written
};

/// `message` is one line for the operator's log and names no password.
struct Error {
  Failed kind = Failed::unavailable;
  std::string message;
};

template <class T>
using Result = base::Result<T, Error>;
using Status = Result<base::Done>;

/// What the driver's error means here.
inline Error error_from(const postgres::Error& error) {
  const bool away = error.lost || error.sqlstate == postgres::sqlstate::kQueryCanceled;
  std::string message = error.message;
  if (!error.sqlstate.empty()) message += " [" + error.sqlstate + "]";
  return {away ? Failed::unavailable : Failed::refused, std::move(message)};
}

}  // namespace archive
