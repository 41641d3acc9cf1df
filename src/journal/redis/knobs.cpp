#include "journal/redis/knobs.hpp"

#include <utility>

#include "journal/redis/blocking_functions.hpp"

namespace journal {

namespace {

template <class T>
base::Result<T> plain(base::Result<T, CallError> called) {
  if (!called) return base::Error{called.error().message};
  return std::move(called).value();
}

}  // namespace

struct Knobs::Core : BlockingFunctions {
  using BlockingFunctions::BlockingFunctions;
  bool has_library = false;
};

Knobs::Knobs(const redis::Url& url, std::string channel)
    : core_(std::make_unique<Core>(url, "pixel-battle/operator", std::move(channel))) {}
Knobs::~Knobs() = default;

/// An older release may have been the last to load its library.
base::Status Knobs::open() {
  if (core_->has_library) return base::Done{};
  // Where nobody answers, this gives up sooner than loading does.
  if (const auto found = core_->ask(core_->functions().ping()); !found) {
    return base::Error{found.error().message};
  }
  auto loaded = plain(core_->ask(core_->functions().load_library()));
  core_->has_library = static_cast<bool>(loaded);
  return loaded;
}

base::Result<RulesInForce> Knobs::rules() {
  if (auto opened = open(); !opened) return opened.error();
  const auto state = core_->ask(core_->functions().state());
  if (!state) return base::Error{state.error().message};
  return RulesInForce{state->rules, state->rules_version};
}

base::Status Knobs::change_rules(const RulesChange& change) {
  if (auto opened = open(); !opened) return opened;
  return plain(core_->ask(core_->functions().change_rules(change)));
}

base::Result<bool> Knobs::ban(base::PersonId person, bool banned) {
  if (auto opened = open(); !opened) return opened.error();
  return plain(core_->ask(core_->functions().ban(person, banned)));
}

base::Result<std::vector<base::PersonId>> Knobs::bans() {
  if (auto opened = open(); !opened) return opened.error();
  return plain(core_->ask(core_->functions().bans()));
}

base::Result<bool> Knobs::replicated() {
  return plain(core_->ask(core_->functions().replicated()));
}

}  // namespace journal
