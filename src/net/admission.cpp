#include "net/admission.hpp"

namespace net {

Admission::Admission(std::size_t connections_max, std::size_t connections_per_address_max,
                     double requests_per_second)
    : connections_max_(connections_max),
      connections_per_address_max_(connections_per_address_max),
      requests_(requests_per_second, 2 * requests_per_second) {}

Admission::Place::Place(Place&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), address_(std::move(other.address_)) {}

Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    give_back();
    owner_ = std::exchange(other.owner_, nullptr);
    address_ = std::move(other.address_);
  }
  return *this;
}

void Admission::Place::give_back() {
  if (owner_ == nullptr) return;
  const std::lock_guard lock(owner_->mutex_);
  --owner_->total_;
  const auto found = owner_->by_address_.find(address_);
  if (found != owner_->by_address_.end() && --found->second == 0) {
    owner_->by_address_.erase(found);
  }
  owner_ = nullptr;
}

bool Admission::count(const std::string& address) {
  if (address.empty() || connections_per_address_max_ == 0) return true;
  auto& connections = by_address_[address];
  if (connections >= connections_per_address_max_) return false;
  ++connections;
  return true;
}

std::variant<Admission::Place, Admission::Refusal> Admission::admit(std::string address) {
  const std::lock_guard lock(mutex_);
  if (total_ >= connections_max_) return Refusal::total_limit;
  if (!count(address)) return Refusal::address_limit;
  ++total_;
  return Place(*this, std::move(address));
}

bool Admission::move_to(Place& place, std::string address) {
  if (place.address_ == address) return true;
  const std::lock_guard lock(mutex_);
  if (!count(address)) return false;
  const auto found = by_address_.find(place.address_);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
  place.address_ = std::move(address);
  return true;
}

}  // namespace net
