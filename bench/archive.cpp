// bench_archive: entries into the archive as the archiver writes them, beside a bare COPY of the
// same rows into a table like it, and into one without its indexes.
//
//   --url=postgresql://…  an empty database   --migrations=migrations   --entries=…   --batch=…
#include <algorithm>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive.hpp"
#include "archive/migrations.hpp"
#include "base/clock.hpp"
#include "bench/support.hpp"
#include "canvas/digest.hpp"
#include "postgres/copy.hpp"

namespace {

constexpr std::uint32_t kSide = 1000;
constexpr std::uint32_t kPeople = 5'000;

template <class T, class E>
T must(base::Result<T, E> result) {
  if (!result) bench::fail(result.error().message);
  return std::move(result).value();
}

std::vector<archive::ArchivedEntry> make_entries(std::size_t count) {
  bench::Random random(20);
  std::vector<archive::ArchivedEntry> entries(count);
  std::uint64_t digest = 0;
  const auto begin_ms = base::wall_ms();
  for (std::size_t i = 0; i < count; ++i) {
    const auto person = static_cast<std::int64_t>(random.below(kPeople)) + 1;
    auto& made = entries[i];
    made.entry.offset = i + 1;
    made.entry.time_ms = begin_ms + static_cast<std::int64_t>(i / 50);
    made.entry.person = base::PersonId{-person};
    made.entry.x = static_cast<std::uint16_t>(random.below(kSide));
    made.entry.y = static_cast<std::uint16_t>(random.below(kSide));
    made.entry.color = static_cast<std::uint8_t>(random.below(32));
    made.entry.digest = digest = canvas::next_digest(digest, made.entry);
    made.epoch = 1;
    made.producer = base::ProducerId{random.next()};
    made.sequence = i + 1;
    made.name = "Guest " + std::to_string(person);
  }
  return entries;
}

double rate(std::size_t rows, std::int64_t begin_ns) {
  return static_cast<double>(rows) * 1e9 / static_cast<double>(base::steady_ns() - begin_ns);
}

using Entries = std::span<const archive::ArchivedEntry>;

double ours(const postgres::Url& url, Entries all, std::size_t batch) {
  auto opened = must(archive::Archive::open(url));
  archive::Cursor at;
  const auto begin_ns = base::steady_ns();
  for (std::size_t done = 0; done < all.size(); done += batch) {
    const auto some = all.subspan(done, std::min(batch, all.size() - done));
    const archive::Cursor next{{1, some.back().entry.offset}, some.back().entry.digest};
    std::vector<archive::NewEpoch> epochs;
    if (done == 0) epochs.push_back({1, 0, 0});
    must(opened.append(some, epochs, at, next));
    at = next;
  }
  return rate(all.size(), begin_ns);
}

/// The rows as a program sends them that does nothing else.
std::string rows_of(Entries entries) {
  postgres::CopyRows rows;
  const auto bits = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  for (const auto& archived : entries) {
    rows.begin_row(10);
    rows.add(bits(archived.epoch));
    rows.add(bits(archived.entry.offset));
    rows.add(archived.entry.time_ms);
    rows.add(base::number(archived.entry.person));
    rows.add(bits(archived.entry.digest));
    rows.add(bits(base::number(archived.producer)));
    rows.add(bits(archived.sequence));
    rows.add(static_cast<std::int16_t>(archived.entry.x));
    rows.add(static_cast<std::int16_t>(archived.entry.y));
    rows.add(static_cast<std::int16_t>(archived.entry.color));
  }
  rows.end();
  return rows.bytes();
}

double bare(postgres::Connection& connection, const std::string& table, Entries all,
            std::size_t batch) {
  const auto begin_ns = base::steady_ns();
  for (std::size_t done = 0; done < all.size(); done += batch) {
    auto copy =
        must(postgres::Copy::begin(connection, "COPY " + table + " FROM STDIN (FORMAT binary)"));
    must(copy.write(rows_of(all.subspan(done, std::min(batch, all.size() - done)))));
    must(copy.finish());
  }
  return rate(all.size(), begin_ns);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  const auto text = options.text("url", "");
  const auto migrations = options.text("migrations", "migrations");
  const auto entries = static_cast<std::size_t>(options.number("entries", 100'000));
  const auto batch = static_cast<std::size_t>(options.number("batch", 4'000));
  options.finish();
  const auto url = must(postgres::Url::parse(text));
  std::ostringstream out;
  const std::vector<std::string> words{"upgrade", "head"};
  if (archive::migrate(text, migrations, words, out, out) != 0) bench::fail(out.str());
  auto connection = must(postgres::Connection::open(url));
  must(
      connection.run("CREATE TABLE plain (LIKE entries);"
                     "CREATE TABLE indexed (LIKE entries INCLUDING INDEXES)"));

  const auto all = make_entries(entries);
  const double archived = ours(url, all, batch);
  const double indexed = bare(connection, "indexed", all, batch);
  const double plain = bare(connection, "plain", all, batch);
  bench::Report()
      .add("archived_per_second", archived)
      .add("copied_per_second", indexed)
      .add("copied_without_indexes_per_second", plain)
      .print();
}
