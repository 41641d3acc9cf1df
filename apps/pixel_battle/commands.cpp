#include "apps/pixel_battle/commands.hpp"

#include <filesystem>
#include <iostream>
#include <string_view>
#include <vector>

#include "apps/pixel_battle/complain.hpp"
#include "apps/pixel_battle/history.hpp"
#include "apps/pixel_battle/knobs.hpp"
#include "archive/archive.hpp"
#include "archive/migrations.hpp"
#include "canvas/palette.hpp"
#include "journal/redis/log_reader.hpp"
#include "journal/redis/redis_journal.hpp"

namespace pixel_battle {

namespace {

constexpr std::size_t kVerifiedAtOnceMax = 1'000;
constexpr std::chrono::seconds kRestoreWithin{60};

int migrate(std::span<const std::string> words, const ops::Config& config) {
  if (config.database_url.empty()) return complain("DATABASE_URL must be set");
  return archive::migrate(config.database_url, config.migrations_dir, words, std::cout, std::cerr);
}

canvas::Board blank_of(const ops::Config& config) {
  return canvas::Board({config.canvas_width, config.canvas_height}, canvas::kBlankColor);
}

/// Follows the log in Redis from where the history ends to where the live board stands.
base::Result<bool> equals_live(canvas::StandingBoard& history, const redis::Url& url) {
  journal::LogReader redis(url);
  const auto live = redis.snapshot(history.board.size());
  if (!live) return live.error();
  while (history.at.position != live->at.position) {
    const auto records = redis.read(history.at.position, kVerifiedAtOnceMax);
    if (!records) return records.error();
    const auto before = history.at.position;
    for (const auto& record : *records) {
      if (history.at.position == live->at.position) break;
      for (const auto& recorded : record.entries) history.board.apply(recorded.entry);
      history.at.position = record.end();
      history.at.digest = record.digest;
    }
    if (history.at.position == before) return false;  // it does not lead there
  }
  return history.at.digest == live->at.digest && history.board.pixels() == live->board.pixels();
}

/// Replays the whole history, checks it, and compares it with the live board.
int verify(const ops::Config& config) {
  if (config.database_url.empty()) return complain("DATABASE_URL must be set");
  const auto url = postgres::Url::parse(config.database_url);
  if (!url) return complain("DATABASE_URL: " + url.error().message);
  auto archive = archive::Archive::open(*url, {.application_name = "pixel-battle/verify"});
  if (!archive) return complain(archive.error().message);
  auto found = archive->verify(blank_of(config));
  if (!found) return complain(found.error().message);
  for (const auto& problem : found->first_problems) std::cout << "wrong: " << problem << "\n";
  std::cout << "history: " << found->entries << " entries, " << found->void_entries << " void, "
            << found->epochs << " epochs, " << found->boards << " boards, " << found->problems
            << " problems\n";
  if (!found->ok()) return EXIT_FAILURE;
  if (config.redis_url.empty()) return EXIT_SUCCESS;
  const auto redis = redis::Url::parse(config.redis_url);
  if (!redis) return complain("REDIS_URL: " + redis.error().message);
  const auto equal = equals_live(found->end, *redis);
  if (!equal) return complain(equal.error().message);
  std::cout << (*equal ? "the live board is the same\n" : "wrong: the live board differs\n");
  return *equal ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// Fills an empty Redis from the history, which any replica would do as well when it starts.
int restore(const ops::Config& config) {
  if (config.database_url.empty() || config.redis_url.empty()) {
    return complain("DATABASE_URL and REDIS_URL must be set");
  }
  const auto database = postgres::Url::parse(config.database_url);
  if (!database) return complain("DATABASE_URL: " + database.error().message);
  const auto redis = redis::Url::parse(config.redis_url);
  if (!redis) return complain("REDIS_URL: " + redis.error().message);
  PostgresHistory history(*database, *redis, blank_of(config));
  const auto journal =
      journal::make_redis({.url = *redis,
                           .channel = config.redis_pubsub_channel,
                           .size = {config.canvas_width, config.canvas_height},
                           .blank_color = canvas::kBlankColor,
                           .rules = {config.cooldown_ms, config.charges_max, config.canvas_frozen},
                           .name = "pixel-battle/restore",
                           .start_wait = kRestoreWithin,
                           .history = &history});
  const auto started = journal->start([](auto) {}, [](auto) {}, [](const auto&) {});
  const auto health = journal->health();
  journal->stop();
  if (!started) return complain(started.error().message);
  if (started->position.epoch == 0) return complain(health.detail);
  std::cout << "the canvas in Redis stands at epoch " << started->position.epoch << ", offset "
            << started->position.offset << "\n";
  return EXIT_SUCCESS;
}

}  // namespace

bool is_word(std::string_view argument) {
  const bool negative = argument.size() > 1 && argument[1] >= '0' && argument[1] <= '9';
  return !argument.starts_with('-') || negative;
}

std::vector<std::string> command_words(int argc, const char* const* argv) {
  std::vector<std::string> words;
  if (argc > 0 && std::filesystem::path(argv[0]).filename() == "alembic") {
    words.emplace_back("migrate");
  }
  for (int i = 1; i < argc && is_word(argv[i]); ++i) words.emplace_back(argv[i]);
  return words;
}

int run_command(std::span<const std::string> words, const ops::Config& config) {
  if (words.front() == "migrate") return migrate(words.subspan(1), config);
  if (words.front() == "verify" && words.size() == 1) return verify(config);
  if (words.front() == "restore" && words.size() == 1) return restore(config);
  if (is_knob(words.front())) return turn_knob(words, config);
  return complain(
      "no such command: there are migrate, verify, restore, rules, ban, unban, bans and loadtest; "
      "see --help");
}

}  // namespace pixel_battle
