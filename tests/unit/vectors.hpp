// The golden vectors of tests/vectors, as the unit tests read them.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "base/text.hpp"

namespace vectors {

/// The file's array, which a test holds for as long as it uses anything inside.
inline boost::json::array load(const std::string& name) {
  std::ifstream file("tests/vectors/" + name);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return boost::json::parse(text).as_array();
}

inline std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

/// A small number, or a decimal string that holds one too large for JavaScript.
template <class T>
T number(const boost::json::value& value) {
  return value.is_string() ? base::parse_number<T>(text(value)).value() : value.to_number<T>();
}

inline std::uint64_t digest(const boost::json::value& value) {
  return base::u64_from_hex(text(value)).value();
}

inline std::string bytes(const boost::json::value& value) {
  return base::from_hex(text(value)).value();
}

}  // namespace vectors
