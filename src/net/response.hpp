// Writing HTTP response heads.
#pragma once

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

/// Status line and fields up to and including the empty line.
std::string response_head(const service::Reply& reply, const HeadContext& context);

}  // namespace net
