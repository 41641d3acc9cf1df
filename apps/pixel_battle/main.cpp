// pixel-battle: reads the configuration, chooses the parts, wires them, runs. Start reading here.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "apps/pixel_battle/application.hpp"
#include "apps/pixel_battle/commands.hpp"
#include "apps/pixel_battle/loadtest.hpp"
#include "apps/shared/run.hpp"
#include "ops/config.hpp"

namespace {

/// The configuration from the flags behind the words of a command.
base::Result<ops::CommandLine> read_flags(int argc, char** argv,
                                          std::span<const std::string> words) {
  int skipped = 0;
  while (skipped + 1 < argc && pixel_battle::is_word(argv[skipped + 1])) ++skipped;
  if (words.empty()) skipped = 0;
  return ops::read_config(ops::Program::pixel_battle, argc - skipped, argv + skipped);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto words = pixel_battle::command_words(argc, argv);
    if (!words.empty() && words.front() == "loadtest") {  // it has flags of its own
      return pixel_battle::loadtest(std::vector<std::string>(argv + 2, argv + argc));
    }
    const auto command_line = read_flags(argc, argv, words);
    if (!command_line) {
      std::fprintf(stderr, "pixel-battle: %s\n", command_line.error().message.c_str());
      return EXIT_FAILURE;
    }
    if (!command_line->exit_text.empty()) {
      std::printf("%s\n", command_line->exit_text.c_str());
      return EXIT_SUCCESS;
    }
    if (!words.empty()) return pixel_battle::run_command(words, command_line->config);
    return apps::run<pixel_battle::Application>(command_line->config);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "pixel-battle: %s\n", bug.what());
    return EXIT_FAILURE;
  }
}
