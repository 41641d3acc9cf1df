#include "redis/reply_reader.hpp"

#include <hiredis/hiredis.h>

#include "base/limits.hpp"

namespace redis {

namespace {

namespace limits = base::limits;

Reply::Type text_type(int type) {
  if (type == REDIS_REPLY_ERROR) return Reply::Type::error;
  return type == REDIS_REPLY_STATUS ? Reply::Type::status : Reply::Type::string;
}

}  // namespace

/// Builds the reply that hiredis is reading. hiredis keeps the pointers that we return and gives
/// an array's back as its elements' parent; they point into `root`. An array grows by emplacing at
/// its end, which moves earlier elements, but those are finished and nobody points at them.
struct ReplyReader::Builder {
  Reply root;
  std::size_t elements = 0;
  std::string problem;

  void* refuse(const char* why) {
    problem = why;
    return nullptr;  // hiredis reports that as out of memory and stops
  }

  static void* add(const redisReadTask* task, Reply reply) {
    auto& builder = *static_cast<Builder*>(task->privdata);
    if (task->parent == nullptr) {
      builder.root = std::move(reply);
      builder.elements = 1;
      return &builder.root;
    }
    if (++builder.elements > limits::kRedisReplyElementsMax) {
      return builder.refuse("the reply has too many elements");
    }
    std::size_t depth = 0;
    for (const auto* up = task->parent; up != nullptr; up = up->parent) ++depth;
    if (depth > limits::kRedisReplyDepthMax) return builder.refuse("the reply is too deep");
    auto& siblings = static_cast<Reply*>(task->parent->obj)->elements;
    return &siblings.emplace_back(std::move(reply));
  }

  static void* other(const redisReadTask* task) {
    return static_cast<Builder*>(task->privdata)->refuse("the reply is of another protocol");
  }

  static void* string(const redisReadTask* task, char* text, std::size_t size) {
    if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS &&
        task->type != REDIS_REPLY_ERROR) {
      return other(task);
    }
    return add(task, Reply{.type = text_type(task->type), .text = {text, size}, .elements = {}});
  }

  template <class Count>  // its type differs between versions of hiredis
  static void* array(const redisReadTask* task, Count) {
    if (task->type != REDIS_REPLY_ARRAY) return other(task);
    return add(task, Reply{.type = Reply::Type::array, .text = {}, .elements = {}});
  }

  static void* number(const redisReadTask* task, long long value) {
    return add(task,
               Reply{.type = Reply::Type::integer, .integer = value, .text = {}, .elements = {}});
  }

  static void* nil(const redisReadTask* task) { return add(task, Reply{}); }

  /// RESP3 has more types, which hiredis 1.0 and later know.
  template <class Functions>
  static void refuse_others(Functions& functions) {
    if constexpr (requires { functions.createDouble; }) {
      functions.createDouble = [](const redisReadTask* task, auto...) { return other(task); };
      functions.createBool = [](const redisReadTask* task, auto) { return other(task); };
    }
  }

  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions table = [] {
      redisReplyObjectFunctions made{};
      made.createString = &Builder::string;
      made.createArray = [](const redisReadTask* task, auto count) { return array(task, count); };
      made.createInteger = &Builder::number;
      made.createNil = &Builder::nil;
      made.freeObject = [](void*) {};  // everything belongs to the builder
      refuse_others(made);
      return made;
    }();
    return &table;
  }
};

struct ReplyReader::Reader {
  explicit Reader(Builder* builder) : handle(redisReaderCreateWithFunctions(Builder::functions())) {
    if (handle == nullptr) throw std::bad_alloc();
    handle->privdata = builder;
  }
  ~Reader() { redisReaderFree(handle); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  redisReader* handle;
};

ReplyReader::ReplyReader()
    : builder_(std::make_unique<Builder>()), reader_(std::make_unique<Reader>(builder_.get())) {}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) {
  if (!problem_.empty() || bytes.empty()) return;
  if (pending_ + bytes.size() > limits::kRedisReplyBytesMax) {
    problem_ = "the reply is too long";
  } else if (redisReaderFeed(reader_->handle, bytes.data(), bytes.size()) != REDIS_OK) {
    problem_ = "no memory for the reply";
  }
  pending_ += bytes.size();
}

std::optional<Reply> ReplyReader::next() {
  if (!problem_.empty()) return std::nullopt;
  void* found = nullptr;
  if (redisReaderGetReply(reader_->handle, &found) != REDIS_OK) {
    problem_ = builder_->problem.empty() ? reader_->handle->errstr : builder_->problem;
    return std::nullopt;
  }
  if (found == nullptr) return std::nullopt;
  pending_ = reader_->handle->len - reader_->handle->pos;
  return std::move(builder_->root);
}

}  // namespace redis
