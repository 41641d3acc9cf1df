// The identities that several rooms share, as types that cannot be mixed up.
#pragma once

#include <cstdint>

namespace base {

/// A person: a Telegram user id when positive, a guest when negative. |value| < 2^53, so that
/// JavaScript and Lua numbers hold it exactly.
enum class PersonId : std::int64_t {};

/// Whoever numbers operations: a browser tab, or the hash of an Idempotency-Key. Opaque, non-zero.
enum class ProducerId : std::uint64_t {};

constexpr std::int64_t number(PersonId id) { return static_cast<std::int64_t>(id); }
constexpr std::uint64_t number(ProducerId id) { return static_cast<std::uint64_t>(id); }

}  // namespace base
