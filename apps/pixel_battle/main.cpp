// pixel-battle: reads the configuration, chooses the parts, wires them, runs. Start reading here.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "apps/pixel_battle/application.hpp"
#include "ops/config.hpp"
#include "ops/log.hpp"

namespace {

int run(const ops::Config& config) {
  using ops::log::Format;
  ops::log::set_up(ops::log::level_from(config.log_level).value_or(ops::log::Level::info),
                   config.log_format == "json" ? Format::json : Format::text);
  auto application = pixel_battle::Application::open(config);
  if (!application) {
    ops::log::error("cannot start", {{"why", application.error().message}});
    return EXIT_FAILURE;
  }
  return application.value()->serve_until_signal();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto command_line = ops::read_config(argc, argv);
    if (!command_line) {
      std::fprintf(stderr, "pixel-battle: %s\n", command_line.error().message.c_str());
      return EXIT_FAILURE;
    }
    if (!command_line->exit_text.empty()) {
      std::printf("%s\n", command_line->exit_text.c_str());
      return EXIT_SUCCESS;
    }
    return run(command_line->config);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "pixel-battle: %s\n", bug.what());
    return EXIT_FAILURE;
  }
}
