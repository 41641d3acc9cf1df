// The configuration: where values come from, what is refused and how that is said.
#include "ops/config.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "ops/options.hpp"

namespace ops {
namespace {

/// A process's surroundings: only the variables given, and a folder for files.
class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "config-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (const auto each : {Program::pixel_battle, Program::counter}) {
      for (const auto& option : options(each)) {
        ::unsetenv(option.name.c_str());
        ::unsetenv((option.name + "_FILE").c_str());
      }
    }
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  static void environment(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  base::Result<CommandLine> read(const std::vector<std::string>& arguments = {}) const {
    std::vector<const char*> argv{"program"};
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    return read_config(program, static_cast<int>(argv.size()), argv.data());
  }

  Config config(const std::vector<std::string>& arguments = {}) const {
    auto line = read(arguments);
    EXPECT_TRUE(line.ok()) << line.error().message;
    return line->config;
  }

  std::string complaint(const std::vector<std::string>& arguments = {}) const {
    const auto line = read(arguments);
    EXPECT_FALSE(line.ok());
    if (line.ok()) return {};
    EXPECT_EQ(line.error().message.find('\n'), std::string::npos) << "one line";
    return line.error().message;
  }

  Program program = Program::pixel_battle;
  std::filesystem::path folder_;
};

TEST_F(ConfigTest, HasDefaultsForEverything) {
  const auto found = config();
  const Config defaults;
  EXPECT_EQ(found.port, 8000);
  EXPECT_EQ(found.data_dir, defaults.data_dir);
  EXPECT_EQ(found.canvas_name, "Pixel Battle");
  EXPECT_TRUE(found.guests);
  EXPECT_FALSE(found.production);
  EXPECT_GE(found.threads, 1);
  EXPECT_LE(found.threads, kThreadsMax);
  EXPECT_FALSE(found.replica_name.empty());
}

TEST_F(ConfigTest, TheFlagWinsOverTheEnvironmentOverTheDefault) {
  environment("COOLDOWN_MS", "100");
  EXPECT_EQ(config().cooldown_ms, 100U);
  EXPECT_EQ(config({"--cooldown-ms", "200"}).cooldown_ms, 200U);
  EXPECT_EQ(config({"--cooldown-ms=300"}).cooldown_ms, 300U);
}

TEST_F(ConfigTest, AnEmptyVariableIsNoneExceptWhereEmptyMeansSomething) {
  environment("PORT", "");
  environment("TELEGRAM_BOT_TOKEN", "");
  environment("WEB_DIR", "");
  EXPECT_EQ(config().port, 8000);
  EXPECT_EQ(config().telegram_bot_token, "");
  EXPECT_EQ(config().web_dir, "");
}

TEST_F(ConfigTest, ReadsEveryKindOfValue) {
  const auto found = config({"--host", "::1", "--log-level", "debug", "--log-format", "json",
                             "--guests", "0", "--canvas-frozen", "true", "--rate-limit-per-address",
                             "0.5", "--trusted-proxies", "10.0.0.0/8, ::1", "--allowed-origins",
                             "https://example.org", "--canvas-name", "Битва пикселей"});
  EXPECT_EQ(found.host, "::1");
  EXPECT_EQ(found.log_level, "debug");
  EXPECT_EQ(found.log_format, "json");
  EXPECT_FALSE(found.guests);
  EXPECT_TRUE(found.canvas_frozen);
  EXPECT_EQ(found.rate_limit_per_address, 0.5);
  EXPECT_EQ(found.trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "::1"}));
  EXPECT_EQ(found.allowed_origins, std::vector<std::string>{"https://example.org"});
  EXPECT_EQ(found.canvas_name, "Битва пикселей");
}

TEST_F(ConfigTest, NamesTheOptionAndTheRangeOfABadValue) {
  EXPECT_EQ(complaint({"--cooldown-ms", "-1"}),
            R"(COOLDOWN_MS: "-1" is not a whole number from 0 to 86400000)");
  environment("PORT", "65536");
  EXPECT_EQ(complaint(), R"(PORT: "65536" is not a whole number from 0 to 65535)");
}

struct Bad {
  std::string name;
  std::string value;
};
class BadValue : public ConfigTest, public testing::WithParamInterface<Bad> {};

TEST_P(BadValue, StopsTheStartAndNamesTheOption) {
  environment(GetParam().name, GetParam().value);
  EXPECT_TRUE(complaint().starts_with(GetParam().name + ": ")) << complaint();
}

INSTANTIATE_TEST_SUITE_P(
    Config, BadValue,
    testing::Values(Bad{"PORT", "80 "}, Bad{"PORT", "1e3"}, Bad{"HOST", "localhost"},
                    Bad{"THREADS", "0"}, Bad{"THREADS", "65"}, Bad{"LOG_LEVEL", "verbose"},
                    Bad{"LOG_FORMAT", "xml"}, Bad{"APP_ENV", "staging"},
                    Bad{"APP_SECRET_KEY", "short"},
                    Bad{"APP_SECRET_KEY", "long enough to sign,short"}, Bad{"SESSION_TTL_S", "59"},
                    Bad{"TELEGRAM_AUTH_AGE_S", "86401"}, Bad{"GUESTS", "maybe"},
                    Bad{"REPLICA_NAME", "two words"}, Bad{"REPLICA_NAME", std::string(65, 'x')},
                    Bad{"CANVAS_NAME", std::string(65, 'x')}, Bad{"CANVAS_NAME", "a\nb"},
                    Bad{"CANVAS_NAME", "\xff"}, Bad{"CANVAS_WIDTH", "15"},
                    Bad{"CANVAS_HEIGHT", "4097"}, Bad{"CANVAS_FROZEN", "2"},
                    Bad{"COOLDOWN_MS", "86400001"}, Bad{"CHARGES_MAX", "0"},
                    Bad{"TICK_MS_MAX", "19"}, Bad{"CONNECTIONS_MAX", "9"},
                    Bad{"CONNECTIONS_PER_ADDRESS_MAX", "-1"}, Bad{"RATE_LIMIT_PER_ADDRESS", "nan"},
                    Bad{"RATE_LIMIT_PER_ADDRESS", "-0.1"}, Bad{"TRUSTED_PROXIES", "10.0.0.0/33"},
                    Bad{"TRUSTED_PROXIES", "10.0.0.1,proxy"}, Bad{"ALLOWED_ORIGINS", "example.org"},
                    Bad{"ALLOWED_ORIGINS", "https://example.org/"},
                    Bad{"DRAIN_UNREADY_MS", "60001"}, Bad{"DRAIN_LIMIT_MS", "99"}),
    [](const auto& test) { return test.param.name + std::to_string(test.index); });

TEST_F(ConfigTest, TheWholeDrainIsLongerThanItsBeginning) {
  EXPECT_EQ(complaint({"--drain-unready-ms", "5000", "--drain-limit-ms", "5000"}),
            "DRAIN_UNREADY_MS: must be less than DRAIN_LIMIT_MS (5000)");
  EXPECT_EQ(config({"--drain-unready-ms", "4999", "--drain-limit-ms", "5000"}).drain_limit_ms,
            5000);
}

TEST_F(ConfigTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(complaint({"--colour", "red"}), R"("--colour": no such option; see --help)");
  EXPECT_EQ(complaint({"--sekret=hunter2"}), R"("--sekret": no such option; see --help)");
  EXPECT_EQ(complaint({"hunter2"}), "an argument that belongs to no option; see --help");
  EXPECT_NE(complaint({"--port"}).find("--port"), std::string::npos);
}

TEST_F(ConfigTest, InDevelopmentAMissingKeyIsRandomAndMarkedSo) {
  const auto first = config();
  EXPECT_TRUE(first.secret_key_is_random);
  ASSERT_EQ(first.secret_keys.size(), 1U);
  EXPECT_EQ(first.secret_keys[0].size(), 64U);
  EXPECT_NE(first.secret_keys, config().secret_keys);
}

TEST_F(ConfigTest, InProductionAMissingKeyStopsTheStart) {
  environment("APP_ENV", "production");
  EXPECT_EQ(complaint(), "APP_SECRET_KEY: must be set when APP_ENV is production");
  environment("APP_SECRET_KEY", "sixteen or more characters");
  EXPECT_TRUE(config().production);
  EXPECT_FALSE(config().secret_key_is_random);
}

TEST_F(ConfigTest, TakesSeveralKeysTheFirstSigns) {
  environment("APP_SECRET_KEY", "the new key of this server,the old key of this server");
  EXPECT_EQ(config().secret_keys,
            (std::vector<std::string>{"the new key of this server", "the old key of this server"}));
}

TEST_F(ConfigTest, ReadsSecretsFromFilesUnlessGivenDirectly) {
  environment("APP_SECRET_KEY_FILE", file("key", "the key that is in a file\n"));
  EXPECT_EQ(config().secret_keys, std::vector<std::string>{"the key that is in a file"});
  environment("APP_SECRET_KEY", "the key that was given directly");
  EXPECT_EQ(config().secret_keys, std::vector<std::string>{"the key that was given directly"});
  EXPECT_EQ(config({"--telegram-bot-token-file", file("token", "1:A")}).telegram_bot_token, "1:A");
}

TEST_F(ConfigTest, NamesASecretFileThatCannotBeRead) {
  for (const auto& path :
       {folder_.string() + "/none", folder_.string(), std::string("/dev/zero")}) {
    environment("APP_SECRET_KEY_FILE", path);
    EXPECT_EQ(complaint(), "APP_SECRET_KEY_FILE: cannot read the file " + shown(path));
  }
}

TEST_F(ConfigTest, NeverShowsASecret) {
  for (const auto& said :
       {complaint({"--app-secret-key", "hunter2"}), complaint({"--app-secret-key=hunter2"}),
        complaint({"--app-secret-key-file", file("key", "hunter2")}),
        complaint({"--telegram-bot-token", "1:A", "hunter2"})}) {
    EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
  }
}

TEST_F(ConfigTest, KeepsErrorsShortAndOnOneLine) {
  EXPECT_LT(complaint({"--port", "1\n2" + std::string(10'000, 'x')}).size(), 200U);
}

TEST_F(ConfigTest, PrintsItsVersion) {
  EXPECT_EQ(read({"--version"})->exit_text, "pixel-battle 1.0.0");
}

TEST_F(ConfigTest, HelpIsPrintedWhateverElseIsWrong) {
  environment("PORT", "nonsense");
  EXPECT_NE(read({"--help"})->exit_text.find("COOLDOWN_MS"), std::string::npos);
}

/// The cells of the rows in docs/configuration.md that hold for a program, without back-ticks.
std::vector<std::vector<std::string>> documented_rows(Program program) {
  std::ifstream file("docs/configuration.md");
  std::vector<std::vector<std::string>> rows;
  bool holds = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) {
      holds = line == "## Both programs" || line == "## " + std::string(name_of(program));
    }
    if (!holds || !line.starts_with("| `")) continue;
    std::erase(line, '`');
    std::vector<std::string> cells;
    for (std::size_t begin = 1; begin < line.size();) {
      const auto end = std::min(line.find('|', begin), line.size());
      auto cell = line.substr(begin, end - begin);
      cell.erase(0, std::min(cell.find_first_not_of(' '), cell.size()));
      cell.erase(cell.find_last_not_of(' ') + 1);
      cells.push_back(cell);
      begin = end + 1;
    }
    rows.push_back(cells);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

class ConfigurationTable : public testing::TestWithParam<Program> {};

TEST_P(ConfigurationTable, IsTheDocumentedOne) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& option : options(GetParam())) {
    rows.push_back({option.name, option.standard, option.range, option.meaning});
  }
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(rows, documented_rows(GetParam()));
}

TEST_P(ConfigurationTable, HelpShowsEveryOption) {
  const auto help = help_text(GetParam());
  EXPECT_TRUE(help.starts_with(version_text(GetParam())));
  for (const auto& option : options(GetParam())) {
    EXPECT_NE(help.find("  " + option.name + ' '), std::string::npos) << option.name;
  }
}

INSTANTIATE_TEST_SUITE_P(, ConfigurationTable,
                         testing::Values(Program::pixel_battle, Program::counter),
                         [](const auto& test) {
                           return test.param == Program::counter ? "counter" : "pixel_battle";
                         });

// --- The counter ----------------------------------------------------------------------------

TEST_F(ConfigTest, TheCountersRedisMayComeInParts) {
  program = Program::counter;
  environment("REDIS_HOST", "redis");
  EXPECT_EQ(config().redis_url, "redis://redis:6379/0");
  environment("REDIS_PORT", "6380");
  environment("REDIS_DB", "3");
  environment("REDIS_PASSWORD", "p@ss/word");
  EXPECT_EQ(config().redis_url, "redis://:p%40ss%2Fword@redis:6380/3");
  environment("REDIS_HOST", "fd00::7");
  EXPECT_EQ(config().redis_url, "redis://:p%40ss%2Fword@[fd00::7]:6380/3");
}

TEST_F(ConfigTest, PartsOfTheCountersRedisThatDoNotFitAreRefused) {
  program = Program::counter;
  EXPECT_EQ(complaint({"--redis-password", "secret"}),
            "REDIS_PASSWORD: means nothing without REDIS_HOST");
  EXPECT_EQ(complaint({"--redis-host", "redis", "--redis-url", "redis://other"}),
            "REDIS_HOST: REDIS_URL is given, too");
  EXPECT_EQ(complaint({"--redis-host", "redis://redis"}),
            "REDIS_HOST: \"redis://redis\" is not a host name or address");
  EXPECT_EQ(complaint({"--redis-port", "0"}),
            "REDIS_PORT: \"0\" is not a whole number from 1 to 65535");
}

TEST_F(ConfigTest, TheCounterLimitsNobodyByAddress) {
  program = Program::counter;
  EXPECT_EQ(config().rate_limit_per_address, 0);
  EXPECT_EQ(config().connections_per_address_max, 0U);
  EXPECT_EQ(config().web_dir, "web/dist-counter");
  EXPECT_EQ(complaint({"--cooldown-ms", "5"}), "\"--cooldown-ms\": no such option; see --help");
}

}  // namespace
}  // namespace ops
