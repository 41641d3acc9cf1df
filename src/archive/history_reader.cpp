#include "archive/history_reader.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "archive/pixel_history.hpp"
#include "archive/schema.hpp"
#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "ops/log.hpp"

namespace archive {

namespace {

namespace limits = base::limits;

postgres::Options for_look_ups(postgres::Options options) {
  options.connect_timeout_ms = std::min(options.connect_timeout_ms, limits::kLookupMs);
  options.call_timeout_ms = std::min(options.call_timeout_ms, limits::kLookupMs);
  return options;
}

/// Between half and all of it, so that replicas do not come back all at once.
std::int64_t jittered(std::int64_t wait_ms) {
  return wait_ms / 2 + static_cast<std::int64_t>(base::random_u64() %
                                                 static_cast<std::uint64_t>(wait_ms / 2 + 1));
}

}  // namespace

HistoryReader::HistoryReader(postgres::Url url, postgres::Options options)
    : url_(std::move(url)),
      options_(for_look_ups(std::move(options))),
      thread_([this] { run(); }) {}

void HistoryReader::pixel_history(std::uint16_t x, std::uint16_t y, std::size_t rows_max,
                                  OnHistory done) {
  const char* failure = "busy";
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      failure = "stopped";
    } else if (waiting_.size() < limits::kQueryQueueMax) {
      waiting_.push_back({x, y, rows_max, base::steady_ms(), std::move(done)});
      wake_.notify_one();
      return;
    }
  }
  done(Error{Failed::unavailable, failure});
}

std::string HistoryReader::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void HistoryReader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  connection_.reset();
  connected_ = false;
}

void HistoryReader::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool away = !connection_;
    const std::int64_t now_ms = base::steady_ms();
    if (away && now_ms >= retry_at_ms_) {
      lock.unlock();
      connect();
      lock.lock();
    } else if (!waiting_.empty()) {
      const Question question = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      answer(question);
      lock.lock();
    } else if (away) {
      wake_.wait_for(lock, std::chrono::milliseconds(retry_at_ms_ - now_ms));
    } else {
      wake_.wait(lock);
    }
  }
  const auto left = std::exchange(waiting_, {});
  lock.unlock();
  for (const Question& question : left) question.done(Error{Failed::unavailable, "stopped"});
}

void HistoryReader::connect() {
  auto opened = open_checked(url_, options_);
  if (!opened) return lost(opened.error());
  connection_.emplace(std::move(opened).value());
  backoff_ms_ = 0;
  const std::lock_guard lock(mutex_);
  if (!connected_.exchange(true)) ops::log::info("history can be read");
  problem_.clear();
}

void HistoryReader::lost(const Error& why) {
  connection_.reset();
  backoff_ms_ = std::clamp(backoff_ms_ * 2, limits::kReconnectMsMin, limits::kReconnectMsMax);
  retry_at_ms_ = base::steady_ms() + jittered(backoff_ms_);
  const std::lock_guard lock(mutex_);
  const bool is_news = connected_.exchange(false) || problem_ != why.message;
  if (is_news) ops::log::warning("history cannot be read", {{"why", why.message}});
  problem_ = why.message;
}

void HistoryReader::answer(const Question& question) {
  if (base::steady_ms() - question.asked_ms > limits::kLookupWaitMs) {
    return question.done(Error{Failed::unavailable, "it has waited for too long"});
  }
  const std::int64_t begin_ms = base::steady_ms();
  auto found = look_up(question);
  const bool at_once = base::steady_ms() - begin_ms < limits::kPostgresGraceMs;
  if (!found && connection_ && connection_->lost() && at_once) {
    // Most often the server was restarted while nobody asked: it may be there again.
    connection_.reset();
    connect();
    found = look_up(question);
  }
  if (connection_ && connection_->lost()) lost(found.error());
  question.done(std::move(found));
}

Result<std::vector<Placement>> HistoryReader::look_up(const Question& question) {
  if (!connection_) return Error{Failed::unavailable, problem()};
  return archive::pixel_history(*connection_, question.x, question.y, question.rows_max);
}

}  // namespace archive
