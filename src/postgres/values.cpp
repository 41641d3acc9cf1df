#include "postgres/values.hpp"

namespace postgres {

namespace {

/// The head of a one-dimensional array without nulls.
std::string array_head(std::uint32_t element_type, std::size_t size) {
  std::string out;
  put_network(out, std::int32_t{1});  // dimensions
  put_network(out, std::int32_t{0});  // no nulls
  put_network(out, element_type);
  put_network(out, static_cast<std::int32_t>(size));
  put_network(out, std::int32_t{1});  // the first index
  return out;
}

std::string bytes_of(std::int64_t number) {
  std::string out;
  put_network(out, number);
  return out;
}

}  // namespace

Value::Value(bool value) : type_(type::kBool), data_(std::string(1, value ? '\1' : '\0')) {}

Value::Value(Number number) : type_(type::kBigint), data_(bytes_of(number.value)) {}

Value::Value(std::string_view text) : type_(type::kText), data_(text) {}

Value::Value(Bytes bytes) : type_(type::kBytea), data_(bytes.bytes) {}

Value::Value(std::span<const std::int64_t> numbers) : type_(type::kBigintArray) {
  std::string out = array_head(type::kBigint, numbers.size());
  for (const std::int64_t number : numbers) {
    put_network(out, std::int32_t{sizeof number});
    put_network(out, number);
  }
  data_ = std::move(out);
}

Value::Value(std::span<const std::string> texts) : type_(type::kTextArray) {
  std::string out = array_head(type::kText, texts.size());
  for (const std::string& text : texts) {
    put_network(out, static_cast<std::int32_t>(text.size()));
    out.append(text);
  }
  data_ = std::move(out);
}

std::string_view Value::data() const {
  return std::visit([](const auto& bytes) { return std::string_view(bytes); }, data_);
}

CopyRows::CopyRows() {
  bytes_.append("PGCOPY\n\377\r\n\0", 11);
  put_network(bytes_, std::int32_t{0});  // flags
  put_network(bytes_, std::int32_t{0});  // no extension of the header
}

void CopyRows::add(std::string_view text) {
  put_network(bytes_, static_cast<std::int32_t>(text.size()));
  bytes_.append(text);
}

}  // namespace postgres
