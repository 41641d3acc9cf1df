// Configuration: one table of options (config.cpp), read from flags, environment and secret files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace ops {

inline constexpr std::string_view kVersion = "1.0.0";

/// Our programs. Each has its own table of options.
enum class Program : std::uint8_t { pixel_battle, counter };

/// As it is called on the command line.
std::string_view name_of(Program program);

/// The effective configuration; docs/configuration.md is the same tables in prose.
struct Config {
  std::uint16_t port = 8000;
  std::string host = "0.0.0.0";
  std::string data_dir = "./data";
  std::string migrations_dir = "migrations";
  std::string database_url;  // empty: no history beyond what the journal keeps
  std::string redis_url;     // empty: the embedded profile
  std::string redis_host;    // the counter's; becomes redis_url
  std::uint16_t redis_port = 6379;
  int redis_db = 0;
  std::string redis_password;
  std::string redis_pubsub_channel = "pixel-battle";
  std::string web_dir = "web/dist";
  int threads = 0;  // after parsing: at least 1
  std::string log_level = "info";
  std::string log_format = "text";
  bool production = false;

  std::vector<std::string> secret_keys;  // the first signs; never empty after parsing
  bool secret_key_is_random = false;
  std::int64_t session_ttl_s = 2'592'000;
  std::string telegram_bot_token;  // empty: Telegram sign-in is off
  std::int64_t telegram_auth_age_s = 3'600;
  std::string telegram_app_url;
  bool guests = true;

  std::string replica_name;
  std::string canvas_name = "Pixel Battle";
  std::uint16_t canvas_width = 1000;
  std::uint16_t canvas_height = 1000;
  bool canvas_frozen = false;
  std::uint32_t cooldown_ms = 5000;
  std::uint32_t charges_max = 5;
  int tick_ms_max = 200;

  std::size_t connections_max = 15'000;
  std::size_t connections_per_address_max = 1'000;
  double rate_limit_per_address = 200;
  double guest_limit_per_address = 120;
  std::vector<std::string> trusted_proxies;
  std::vector<std::string> allowed_origins;
  std::int64_t drain_unready_ms = 0;
  std::int64_t drain_limit_ms = 10'000;
};

/// What the command line asked for.
struct CommandLine {
  Config config;
  std::string exit_text;  // --help or --version: print this and exit 0; otherwise empty
};

/// Flags win over environment, environment over NAME_FILE, that over defaults. An error is one
/// clear line that names the option and never shows a secret's value.
base::Result<CommandLine> read_config(Program program, int argc, const char* const* argv);

}  // namespace ops
