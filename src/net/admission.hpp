// Who may connect: connections in all and from one address, requests a second from one address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "service/rate_limiter.hpp"

namespace net {

/// Thread-safe; outlives the places it gives out.
class Admission {
 public:
  /// A limit for one address of 0 is none.
  Admission(std::size_t connections_max, std::size_t connections_per_address_max,
            double requests_per_second);

  /// One connection's place; given back when destroyed.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place() { give_back(); }

   private:
    friend class Admission;
    Place(Admission& owner, std::string address) : owner_(&owner), address_(std::move(address)) {}
    void give_back();

    Admission* owner_ = nullptr;
    std::string address_;  // empty: counts in the total only
  };

  enum class Refusal : std::uint8_t { total_limit, address_limit };

  /// A place for a connection from `address`; an empty address (one of our proxies) counts in the
  /// total only.
  std::variant<Place, Refusal> admit(std::string address);

  /// The same place, counted for `address` from now on; false if that address has too many.
  bool move_to(Place& place, std::string address);

  service::RateLimiter& requests() { return requests_; }

 private:
  bool count(const std::string& address);  // with mutex_ held

  const std::size_t connections_max_;
  const std::size_t connections_per_address_max_;
  service::RateLimiter requests_;

  std::mutex mutex_;
  std::size_t total_ = 0;                                    // protected by mutex_
  std::unordered_map<std::string, std::size_t> by_address_;  // protected by mutex_
};

}  // namespace net
