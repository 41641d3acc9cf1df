// Header fields as a test writes them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "service/http.hpp"

namespace service {

/// Names must be spelled as they are asked for.
class FakeHeaders final : public Headers {
 public:
  FakeHeaders() = default;
  explicit FakeHeaders(std::map<std::string, std::string, std::less<>> fields)
      : fields_(std::move(fields)) {}
  [[nodiscard]] std::string_view get(std::string_view name) const override {
    const auto found = fields_.find(name);
    return found == fields_.end() ? std::string_view() : found->second;
  }
  [[nodiscard]] std::size_t count(std::string_view name) const override {
    return fields_.count(std::string(name));
  }

 private:
  std::map<std::string, std::string, std::less<>> fields_;
};

}  // namespace service
