// Reading the configuration: from the command line, the environment and secret files into the
// options of the table in options.cpp.
#include "ops/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "ops/options.hpp"

namespace ops {

namespace {

constexpr std::size_t kSecretFileBytesMax = 64 * 1024;

/// What was said about one option, and where.
struct Given {
  std::string by;  // PORT, --port, APP_SECRET_KEY_FILE, …
  std::string value;
};

/// The texts that CLI11 found for one option; they stay where they are once it knows them.
struct Flags {
  const Option* option = nullptr;
  std::string value;
  std::string file;
  CLI::Option* value_flag = nullptr;
  CLI::Option* file_flag = nullptr;
};

base::Error failed(std::string_view name, std::string_view why) {
  return {std::string(name) + ": " + std::string(why)};
}

base::Result<Given> from_file(const std::string& by, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  // Not read past the limit, so that a path like /dev/zero is an error and not the end of memory.
  text.resize(kSecretFileBytesMax + 1);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  if (!file.eof() || text.size() > kSecretFileBytesMax) {
    return failed(by, "cannot read the file " + shown(path));
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return Given{by, std::move(text)};
}

/// The environment's value; an empty one counts only where empty means something.
std::optional<std::string> environment(const std::string& name, bool empty_counts) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || (*value == '\0' && !empty_counts)) return std::nullopt;
  return value;
}

/// Flag, flag of a file, environment, environment of a file: the first that is there.
base::Result<std::optional<Given>> find_value(const Flags& flags) {
  const auto& option = *flags.option;
  const auto file_name = option.name + "_FILE";
  std::optional<std::string> path;
  if (flags.value_flag->count() > 0) return std::optional(Given{option.name, flags.value});
  if (option.secret && flags.file_flag->count() > 0) {
    path = flags.file;
  } else if (auto value = environment(option.name, option.empty_counts)) {
    return std::optional(Given{option.name, *std::move(value)});
  } else if (option.secret) {
    path = environment(file_name, false);
  }
  if (!path) return std::optional<Given>();
  auto given = from_file(file_name, *path);
  if (!given) return given.error();
  return std::optional(std::move(given).value());
}

base::Status store(const Flags& flags, Config& config) {
  const auto given = find_value(flags);
  if (!given) return given.error();
  if (!given->has_value()) return base::Done{};
  const auto& [by, value] = **given;
  const auto wrong = flags.option->store(config, value);
  if (!wrong) return base::Done{};
  return failed(by, flags.option->secret ? *wrong : shown(value) + ' ' + *wrong);
}

std::string host_name() {
  std::string name(256, '\0');
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  name.resize(std::min(name.find('\0'), kReplicaNameMax));
  return name.empty() ? "localhost" : name;
}

Config defaults(Program program) {
  Config config;
  if (program == Program::counter) {
    config.redis_pubsub_channel = "counter-app";
    config.web_dir = "web/dist-counter";
    config.threads = 1;                      // more presses: more replicas
    config.connections_per_address_max = 0;  // people learn load testing with it
    config.rate_limit_per_address = 0;
  }
  return config;
}

/// REDIS_HOST and its companions as the URL that they mean.
base::Status join_redis_parts(Config& config) {
  if (config.redis_host.empty()) {
    if (config.redis_password.empty()) return base::Done{};
    return failed("REDIS_PASSWORD", "means nothing without REDIS_HOST");
  }
  if (!config.redis_url.empty()) return failed("REDIS_HOST", "REDIS_URL is given, too");
  const bool bare_ipv6 = config.redis_host.find(':') != std::string::npos;
  const auto host = bare_ipv6 ? '[' + config.redis_host + ']' : config.redis_host;
  const auto login = config.redis_password.empty()
                         ? std::string()
                         : ':' + base::percent_encode(config.redis_password) + '@';
  config.redis_url = "redis://" + login + host + ':' + std::to_string(config.redis_port) + '/' +
                     std::to_string(config.redis_db);
  return base::Done{};
}

/// The defaults that depend on the machine, and the rules between options.
base::Status complete(Config& config) {
  if (auto joined = join_redis_parts(config); !joined) return joined;
  if (config.threads == 0) {
    const auto cores = static_cast<int>(std::thread::hardware_concurrency());
    config.threads = std::clamp(cores, 1, kThreadsMax);
  }
  if (config.replica_name.empty()) config.replica_name = host_name();
  if (config.secret_keys.empty()) {
    if (config.production)
      return failed("APP_SECRET_KEY", "must be set when APP_ENV is production");
    config.secret_keys.push_back(base::to_hex(base::random_bytes(32)));
    config.secret_key_is_random = true;
  }
  if (config.drain_unready_ms >= config.drain_limit_ms) {
    return failed("DRAIN_UNREADY_MS", "must be less than DRAIN_LIMIT_MS (" +
                                          std::to_string(config.drain_limit_ms) + ")");
  }
  return base::Done{};
}

/// CLI11's complaint as one line. Never repeats a value, which may be a secret.
base::Error complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto extra = app.remaining();
  if (extra.empty()) return {error.what()};
  const auto flag = extra.front().substr(0, extra.front().find('='));
  if (!flag.starts_with("--")) return {"an argument that belongs to no option; see --help"};
  return failed(shown(flag), "no such option; see --help");
}

}  // namespace

std::string_view name_of(Program program) {
  return program == Program::counter ? "counter-app" : "pixel-battle";
}

base::Result<CommandLine> read_config(Program program, int argc, const char* const* argv) {
  CLI::App app;
  app.set_help_flag();
  bool help = false;
  bool version = false;
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);

  std::deque<Flags> all;
  for (const auto& option : options(program)) {
    auto& flags = all.emplace_back();
    flags.option = &option;
    const auto last = CLI::MultiOptionPolicy::TakeLast;
    flags.value_flag = app.add_option(flag_of(option), flags.value)->multi_option_policy(last);
    if (option.secret) {
      flags.file_flag =
          app.add_option(flag_of(option) + "-file", flags.file)->multi_option_policy(last);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return complaint(app, error);
  }
  if (help) return CommandLine{{}, help_text(program)};
  if (version) return CommandLine{{}, version_text(program)};

  CommandLine line{.config = defaults(program)};
  for (const auto& flags : all) {
    if (auto stored = store(flags, line.config); !stored) return stored.error();
  }
  if (auto completed = complete(line.config); !completed) return completed.error();
  return line;
}

}  // namespace ops
