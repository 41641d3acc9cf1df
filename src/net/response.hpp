// Writing HTTP response heads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "service/http.hpp"

namespace net {

struct HeadContext {
  std::string_view date;
  std::string_view served_by;
  bool http_1_0 = false;
  bool keep_alive = true;
};

/// Status line and fields up to and including the empty line, with `room` for as many bytes more.
std::string response_head(const service::Reply& reply, const HeadContext& context,
                          std::size_t room = 0);

}  // namespace net
