// bench_history: makes the embedded journal of a canvas with history, through the journal itself.
//
//   --dir=…             an empty folder
//   --pattern=drawing   as people draw, or `noise`: what compresses worst (drawing.hpp)
//   --entries=…
//   --hold=1            does not close the journal in the end, but waits for `kill -9`
#include <poll.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "bench/drawing.hpp"
#include "bench/support.hpp"
#include "canvas/palette.hpp"
#include "journal/embedded/embedded_journal.hpp"

namespace {

constexpr canvas::Size kSize{1000, 1000};
constexpr std::size_t kPeople = 4'000;
constexpr std::int64_t kInFlightMax = base::limits::kJournalQueueMax / 2;

/// Appends every dot and waits until all are durable.
void append_all(journal::Journal& journal, const std::vector<bench::Dot>& dots) {
  std::atomic<std::int64_t> in_flight{0};
  std::atomic<std::uint64_t> refused{0};
  const auto wait_until_at_most = [&](std::int64_t bound) {
    for (auto now = in_flight.load(); now > bound; now = in_flight.load()) in_flight.wait(now);
  };
  for (std::size_t i = 0; i < dots.size(); ++i) {
    wait_until_at_most(kInFlightMax);
    const auto person = static_cast<std::int64_t>(i % kPeople) + 1;
    canvas::Operation operation;
    operation.person = base::PersonId{-person};
    operation.producer = base::ProducerId{static_cast<std::uint64_t>(person)};
    operation.sequence = i / kPeople + 1;
    operation.x = dots[i].x;
    operation.y = dots[i].y;
    operation.color = dots[i].color;
    operation.name = "Guest " + std::to_string(person);
    in_flight.fetch_add(1);
    journal.append(std::move(operation), [&](const canvas::Answer& answer) {
      if (!std::holds_alternative<canvas::Accepted>(answer)) refused.fetch_add(1);
      in_flight.fetch_sub(1);
      in_flight.notify_one();
    });
  }
  wait_until_at_most(0);
  if (refused > 0) bench::fail("the journal refused " + std::to_string(refused.load()));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto dir = options.text("dir", "");
  const auto pattern = options.text("pattern", "drawing");
  const auto entries = static_cast<std::size_t>(options.number("entries", 200'000));
  const bool hold = options.number("hold", 0) != 0;
  options.finish();
  if (dir.empty()) bench::fail("--dir=… must name an empty folder");
  if (pattern != "drawing" && pattern != "noise") bench::fail("--pattern is drawing or noise");

  journal::EmbeddedOptions journal_options;
  journal_options.data_dir = dir;
  journal_options.size = kSize;
  journal_options.blank_color = canvas::kBlankColor;
  const auto journal = journal::make_embedded(std::move(journal_options));
  const auto start =
      journal->start([](auto) {}, [](auto) {}, [](const std::string& why) { bench::fail(why); });
  if (!start.ok()) bench::fail(start.error().message);
  append_all(*journal,
             pattern == "noise" ? bench::noise(kSize, entries) : bench::drawing(kSize, entries));
  if (!hold) journal->stop();
  bench::Report().add("entries", static_cast<double>(entries)).print();
  if (hold) ::poll(nullptr, 0, -1);
}
