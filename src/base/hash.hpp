// Hashes, keyed hashes and random bytes, from OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace base {

std::array<unsigned char, 20> sha1(std::string_view bytes);
std::string sha256(std::string_view bytes);                               // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view message);  // 32 raw bytes

/// Compares in time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

/// From the system's cryptographic generator; throws std::runtime_error if it fails.
std::string random_bytes(std::size_t size);
std::uint64_t random_u64();

}  // namespace base
