// What a journal answers when it cannot take an operation now. Nothing was changed; the same may be
// asked again.
#pragma once

#include "canvas/operation.hpp"

namespace journal {

/// Too much is waiting.
inline canvas::Refused busy() { return {canvas::Refusal::busy, 250, {}}; }

/// It cannot store anything.
inline canvas::Refused unavailable() { return {canvas::Refusal::unavailable, 1'000, {}}; }

}  // namespace journal
