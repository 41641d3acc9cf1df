// The life of a server process: its log, its application, its exit status.
#pragma once

#include <cstdlib>

#include "ops/config.hpp"
#include "ops/log.hpp"

namespace apps {

/// `Application` is opened with the configuration and serves until a signal. Returns the exit
/// status.
template <class Application>
int run(const ops::Config& config) {
  using ops::log::Format;
  ops::log::set_up(ops::log::level_from(config.log_level).value_or(ops::log::Level::info),
                   config.log_format == "json" ? Format::json : Format::text);
  auto application = Application::open(config);
  if (!application) {
    ops::log::error("cannot start", {{"why", application.error().message}});
    return EXIT_FAILURE;
  }
  return application.value()->serve_until_signal();
}

}  // namespace apps
