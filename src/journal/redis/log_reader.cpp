#include "journal/redis/log_reader.hpp"

#include <utility>

#include "journal/redis/blocking_functions.hpp"

namespace journal {

struct LogReader::Core : BlockingFunctions {
  explicit Core(const redis::Url& url) : BlockingFunctions(url, "pixel-battle/archiver", "-") {}
};

LogReader::LogReader(const redis::Url& url) : core_(std::make_unique<Core>(url)) {}
LogReader::~LogReader() = default;

base::Result<std::vector<Record>> LogReader::read(const canvas::Position& after,
                                                  std::size_t records_max) {
  auto records = core_->ask(core_->functions().read_log(after, records_max));
  if (!records) return base::Error{records.error().message};
  if (records->empty()) return std::move(records).value();
  const auto replicated = core_->ask(core_->functions().replicated());
  if (!replicated) return base::Error{replicated.error().message};
  if (!*replicated) return std::vector<Record>{};
  for (Record& record : *records) {
    if (!fill_digests(record)) return base::Error{"the log in Redis holds a damaged record"};
  }
  return std::move(records).value();
}

base::Result<canvas::StandingBoard> LogReader::snapshot(canvas::Size size) {
  auto standing = core_->ask(core_->functions().snapshot(size));
  if (!standing) return base::Error{standing.error().message};
  return std::move(standing).value();
}

void LogReader::trim(const canvas::Position& position) {
  static_cast<void>(core_->ask(core_->functions().trim(position)));
}

}  // namespace journal
