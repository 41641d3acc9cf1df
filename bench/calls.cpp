// bench_calls: bare clients of Redis that call the journal's function themselves, one call after
// the other on each connection, with so many placements a call. With one placement a call this is
// the bar for a backend without batches; with as many as the backends send, for the rest of ours.
//
//   --port=…  --batch=…  --connections=…  --people=…  --seconds=…  --run=…
#include <hiredis.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "bench/support.hpp"
#include "journal/redis/codec.hpp"
#include "journal/redis/functions.hpp"

namespace {

constexpr std::uint16_t kSide = 1000;
constexpr std::int64_t kWarmUpNs = bench::seconds(1);

struct Load {
  std::uint16_t port = 6379;
  std::size_t batch = 1;
  std::size_t connections = 2;
  std::size_t people = 3'000;  // of each connection
  std::uint64_t run = 1;       // every run has its own producers, whose sequences begin at 1
};

class Caller {
 public:
  Caller(const Load& load, std::size_t number)
      : load_(load),
        number_(number),
        random_(number),
        redis_(::redisConnect("127.0.0.1", load.port)) {
    if (redis_ == nullptr || redis_->err != 0) bench::fail("cannot connect to Redis");
  }

  /// One call; the number of placements that were accepted.
  std::size_t call() {
    const auto operations = next();
    const auto bytes = journal::encode_operations(operations);
    const std::string_view words[] = {"FCALL", "pb1_append", "1", journal::kStateKey,
                                      "bench", bytes};
    const char* at[6];
    std::size_t sizes[6];
    for (std::size_t i = 0; i < 6; ++i) {
      at[i] = words[i].data();
      sizes[i] = words[i].size();
    }
    const auto reply = std::unique_ptr<redisReply, void (*)(void*)>(
        static_cast<redisReply*>(::redisCommandArgv(redis_.get(), 6, at, sizes)),
        ::freeReplyObject);
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
      bench::fail(reply && reply->type == REDIS_REPLY_ERROR ? reply->str : "no answer from Redis");
    }
    const auto answers = journal::decode_answers({reply->element[0]->str, reply->element[0]->len},
                                                 operations.size());
    if (!answers) bench::fail("an answer that is not understood");
    for (const auto& answer : *answers) {
      if (!std::holds_alternative<canvas::Accepted>(answer)) bench::fail("a placement was refused");
    }
    return answers->size();
  }

 private:
  std::vector<canvas::Operation> next() {
    std::vector<canvas::Operation> operations(load_.batch);
    for (auto& operation : operations) {
      const auto person =
          static_cast<std::int64_t>(number_ * load_.people + at_ % load_.people) + 1;
      operation.person = base::PersonId{-person};
      operation.producer = base::ProducerId{load_.run << 40 | static_cast<std::uint64_t>(person)};
      operation.sequence = static_cast<std::uint32_t>(at_++ / load_.people + 1);
      operation.x = static_cast<std::uint16_t>(random_.below(kSide));
      operation.y = static_cast<std::uint16_t>(random_.below(kSide));
      operation.color = static_cast<std::uint8_t>(random_.below(32));
      operation.name = "Guest " + std::to_string(person);
    }
    return operations;
  }

  struct Disconnect {
    void operator()(redisContext* context) const { ::redisFree(context); }
  };

  const Load load_;
  const std::size_t number_;
  std::uint64_t at_ = 0;
  bench::Random random_;
  std::unique_ptr<redisContext, Disconnect> redis_;
};

/// Placements a second of all connections together.
double rate(const Load& load, std::int64_t run_ns) {
  std::atomic<std::uint64_t> placed{0};
  const auto start_ns = base::steady_ns() + kWarmUpNs;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < load.connections; ++i) {
    threads.emplace_back([&, i] {
      Caller caller(load, i);
      std::uint64_t mine = 0;
      while (base::steady_ns() < start_ns) caller.call();
      while (base::steady_ns() < start_ns + run_ns) mine += caller.call();
      placed += mine;
    });
  }
  threads.clear();
  return static_cast<double>(placed) / (static_cast<double>(base::steady_ns() - start_ns) / 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  Load load;
  load.port = options.ports().front();
  load.batch = static_cast<std::size_t>(options.number("batch", 1));
  load.connections = static_cast<std::size_t>(options.number("connections", 2));
  load.people = static_cast<std::size_t>(options.number("people", 3'000));
  load.run = static_cast<std::uint64_t>(options.number("run", 1));
  const auto run_ns = bench::seconds(static_cast<double>(options.number("seconds", 5)));
  options.finish();
  bench::Report().add("placed_per_second", rate(load, run_ns)).print();
}
