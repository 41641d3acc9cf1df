// counter-app: reads the configuration, chooses the parts, wires them, runs. Start reading here.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "apps/counter/application.hpp"
#include "apps/shared/run.hpp"
#include "ops/config.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto command_line = ops::read_config(ops::Program::counter, argc, argv);
    if (!command_line) {
      std::fprintf(stderr, "counter-app: %s\n", command_line.error().message.c_str());
      return EXIT_FAILURE;
    }
    if (!command_line->exit_text.empty()) {
      std::printf("%s\n", command_line->exit_text.c_str());
      return EXIT_SUCCESS;
    }
    return apps::run<counter_app::Application>(command_line->config);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "counter-app: %s\n", bug.what());
    return EXIT_FAILURE;
  }
}
