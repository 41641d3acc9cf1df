// bench_micro: the pure functions that every placement and every tick go through, on Google
// Benchmark. No targets; they show where a change made something slower.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "auth/token.hpp"
#include "bench/support.hpp"
#include "canvas/digest.hpp"
#include "canvas/palette.hpp"
#include "canvas/tail.hpp"
#include "wire/frame.hpp"
#include "wire/protocol.hpp"

namespace {

constexpr canvas::Size kSize{1000, 1000};
constexpr unsigned kColorBits = canvas::color_bits(canvas::kDefaultPalette.size());

/// `count` random pixels of one tick, ascending, each once.
wire::Delta random_delta(std::size_t count) {
  bench::Random random(7);
  wire::Delta delta;
  delta.advance = static_cast<std::uint32_t>(count);
  while (delta.pixels.size() < count) {
    delta.pixels.push_back(
        {random.below(kSize.area()), static_cast<std::uint8_t>(random.below(32))});
  }
  const auto by_index = [](const auto& a, const auto& b) { return a.index < b.index; };
  std::sort(delta.pixels.begin(), delta.pixels.end(), by_index);
  const auto same = [](const auto& a, const auto& b) { return a.index == b.index; };
  delta.pixels.erase(std::unique(delta.pixels.begin(), delta.pixels.end(), same),
                     delta.pixels.end());
  return delta;
}

canvas::Entry entry_at(std::uint64_t offset, bench::Random& random) {
  canvas::Entry entry;
  entry.offset = offset;
  entry.time_ms = 1'700'000'000'000;
  entry.person = base::PersonId{-4211};
  entry.x = static_cast<std::uint16_t>(random.below(kSize.width));
  entry.y = static_cast<std::uint16_t>(random.below(kSize.height));
  entry.color = static_cast<std::uint8_t>(random.below(32));
  return entry;
}

void encode_delta(benchmark::State& state) {
  const auto delta = random_delta(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(wire::encode(delta, kColorBits));
  const auto bytes = wire::encode(delta, kColorBits).size();
  state.counters["bytes_per_pixel"] =
      static_cast<double>(bytes) / static_cast<double>(delta.pixels.size());
}
BENCHMARK(encode_delta)->Arg(2)->Arg(100)->Arg(10'000);

void decode_place(benchmark::State& state) {
  const auto message = wire::encode(wire::ClientMessage{wire::Place{1, 500, 500, 7}});
  for (auto _ : state) benchmark::DoNotOptimize(wire::decode_client(message));
}
BENCHMARK(decode_place);

void frame_message(benchmark::State& state) {
  const std::string message(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(wire::shared_frame(message));
}
BENCHMARK(frame_message)->Arg(60)->Arg(1020);

void next_digest(benchmark::State& state) {
  bench::Random random(7);
  const auto entry = entry_at(1, random);
  std::uint64_t digest = 0;
  for (auto _ : state) digest = canvas::next_digest(digest, entry);
  benchmark::DoNotOptimize(digest);
}
BENCHMARK(next_digest);

void verify_token(benchmark::State& state) {
  const auth::TokenSigner signer({"a key of the benchmark"});
  const auto token = signer.sign({base::PersonId{-4211}, "Guest 4211"}, 2'000'000'000'000);
  for (auto _ : state) benchmark::DoNotOptimize(signer.verify(token, 1'700'000'000'000).ok());
}
BENCHMARK(verify_token);

/// One tick's conflation out of the tail, `range` entries wide.
void conflate(benchmark::State& state) {
  bench::Random random(7);
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  canvas::Tail tail(kSize, 0, 0, 65'536);
  for (std::uint64_t offset = 1; offset <= entries; ++offset) tail.push(entry_at(offset, random));
  for (auto _ : state) benchmark::DoNotOptimize(tail.between(0, entries));
}
BENCHMARK(conflate)->Arg(2)->Arg(100)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();
