#include "apps/pixel_battle/loadtest.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "apps/pixel_battle/complain.hpp"
#include "load/load_test.hpp"
#include "load/options.hpp"

namespace pixel_battle {

namespace {

volatile std::sig_atomic_t stop_asked = 0;

/// The first signal asks for an early end with a report; the second one ends the process.
void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_asked = 1; };
  action.sa_flags = SA_RESETHAND;
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

constexpr std::string_view kAbout =
    "Usage: pixel-battle loadtest [--name value …]\n\n"
    "Holds WebSocket clients, lets some of them paint, and checks every frame of every client:\n"
    "nothing missing, nothing twice, the same digest for all, in the end the server's own board,\n"
    "and every acknowledged pixel in it. Clients whose connection ends come back and go on where\n"
    "they stood. The exit code is 0 if all checks and thresholds hold, otherwise 1. Ctrl-C ends "
    "it\n"
    "early, with a whole report.\n\n";

constexpr std::string_view kLimits =
    "\nAll clients come from one address. A server that is to be measured, and not its limits, is\n"
    "started with CONNECTIONS_PER_ADDRESS_MAX=0, RATE_LIMIT_PER_ADDRESS=0,\n"
    "GUEST_LIMIT_PER_ADDRESS=0 and a CONNECTIONS_MAX above the number of clients.\n";

}  // namespace

int loadtest(std::span<const std::string> words) {
  const auto options = load::read_options(words);
  if (!options) return complain("loadtest: " + options.error().message);
  if (options->help) {
    std::cout << kAbout << load::options_help() << kLimits;
    return EXIT_SUCCESS;
  }
  stop_on_signals();
  const std::function<bool()> stopped = [] { return stop_asked != 0; };
  load::LoadTest test(*options, stopped, std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1);
  const auto code = test.run();
  return code ? *code : complain("loadtest: " + code.error().message);
}

}  // namespace pixel_battle
