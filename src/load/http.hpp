// Small HTTP requests before and after a load, one at a time on a connection that is kept. They
// wait for their answer: nothing else of a load test runs meanwhile.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"
#include "load/address.hpp"

namespace load {

struct Answer {
  unsigned status = 0;
  std::map<std::string, std::string> fields;  // lower-case names
  std::string body;

  /// The field's value; empty if it is not there.
  [[nodiscard]] std::string field(const std::string& name) const;
};

/// Not thread-safe.
class Http {
 public:
  Http(std::string authority, Address address);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  /// `method` is GET, or POST with an empty body. An error when nothing answers within 15 s.
  base::Result<Answer> ask(const std::string& method, const std::string& path);

 private:
  base::Status connect();
  base::Result<Answer> exchange(const std::string& request);
  bool receive(std::string& bytes) const;
  void close();

  const std::string authority_;
  const Address address_;
  int socket_ = -1;
  bool used_ = false;  // the connection has answered: it may have been closed since
};

}  // namespace load
