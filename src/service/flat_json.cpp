#include "service/flat_json.hpp"

#include <boost/json/basic_parser_impl.hpp>

namespace service {

namespace {

namespace json = boost::json;
using boost::system::error_code;

constexpr std::size_t kNestingMax = 4;

/// What basic_parser tells while it reads; keeps the members of the outermost object.
class Handler {
 public:
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;

  FlatObject members;
  bool is_object = false;
  bool repeated = false;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    if (depth_ == 0) is_object = true;
    return open();
  }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(); }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) { return append(part); }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    append(part);
    if (depth_ == 1) key_ = std::move(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) { return append(part); }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    append(part);
    put(std::move(text_));
    text_.clear();
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, error_code&) { return put(value); }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) {
    return put(std::int64_t{INT64_MAX});
  }
  bool on_double(double, json::string_view, error_code&) { return put(OtherValue{}); }
  bool on_bool(bool, error_code&) { return put(OtherValue{}); }
  bool on_null(error_code&) { return put(OtherValue{}); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  bool open() {
    put(OtherValue{});
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool put(FlatValue value) {
    if (depth_ == 1 && is_object) repeated |= !members.emplace(key_, std::move(value)).second;
    return true;
  }

  int depth_ = 0;
  std::string key_;
  std::string text_;
};

}  // namespace

base::Result<FlatObject, FlatError> parse_flat_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = kNestingMax;
  json::basic_parser<Handler> parser(options);
  error_code error;
  const auto parsed = parser.write_some(false, text.data(), text.size(), error);
  if (error || parsed != text.size()) return FlatError::not_json;
  auto& handler = parser.handler();
  if (!handler.is_object) return FlatError::not_an_object;
  if (handler.repeated) return FlatError::repeated_member;
  return std::move(handler.members);
}

}  // namespace service
