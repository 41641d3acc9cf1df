#include "journal/redis/log_reader.hpp"

#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "journal/redis/functions.hpp"
#include "redis/client.hpp"

namespace journal {

namespace asio = boost::asio;

struct LogReader::Core {
  explicit Core(const redis::Url& url)
      : client(io.get_executor(),
               {.url = url, .key = kStateKey, .name = "pixel-battle/archiver", .on_state = {}}),
        functions(client, kStateKey, "-") {}

  ~Core() {
    client.stop();
    run(client.stopped());
  }

  /// Runs the loop until the task has ended.
  void run(asio::awaitable<void> task) {
    bool done = false;
    asio::co_spawn(io, std::move(task), [&done](const std::exception_ptr& bug) {
      done = true;
      if (bug) std::rethrow_exception(bug);
    });
    io.restart();
    while (!done) io.run_one();
  }

  /// The same, for what it returns.
  template <class T>
  T ask(asio::awaitable<T> task) {
    std::optional<T> answer;
    run(keep(std::move(task), answer));
    return std::move(*answer);
  }

  template <class T>
  static asio::awaitable<void> keep(asio::awaitable<T> task, std::optional<T>& answer) {
    answer.emplace(co_await std::move(task));
  }

  asio::io_context io{1};
  redis::Client client;
  Functions functions;
};

LogReader::LogReader(const redis::Url& url) : core_(std::make_unique<Core>(url)) {}
LogReader::~LogReader() = default;

base::Result<std::vector<Record>> LogReader::read(const canvas::Position& after,
                                                  std::size_t records_max) {
  auto records = core_->ask(core_->functions.read_log(after, records_max));
  if (!records) return base::Error{records.error().message};
  if (records->empty()) return std::move(records).value();
  const auto replicated = core_->ask(core_->functions.replicated());
  if (!replicated) return base::Error{replicated.error().message};
  if (!*replicated) return std::vector<Record>{};
  for (Record& record : *records) {
    if (!fill_digests(record)) return base::Error{"the log in Redis holds a damaged record"};
  }
  return std::move(records).value();
}

base::Result<StandingBoard> LogReader::snapshot(canvas::Size size) {
  auto standing = core_->ask(core_->functions.snapshot(size));
  if (!standing) return base::Error{standing.error().message};
  return std::move(standing).value();
}

void LogReader::trim(const canvas::Position& position) {
  static_cast<void>(core_->ask(core_->functions.trim(position)));
}

}  // namespace journal
