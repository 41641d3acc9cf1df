#include "apps/pixel_battle/knobs.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <string_view>

#include "apps/pixel_battle/complain.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "journal/redis/knobs.hpp"

namespace pixel_battle {

namespace {

constexpr int kBadWords = 2;
constexpr std::array<std::string_view, 4> kCommands = {"rules", "ban", "unban", "bans"};

// Persons are below 2^53 in the journal.
constexpr std::int64_t kPersonMax = (std::int64_t{1} << 53) - 1;

base::Result<std::uint32_t> number_in(std::string_view word, std::string_view value,
                                      std::uint32_t low, std::uint32_t high) {
  const auto number = base::parse_number<std::uint32_t>(value);
  if (number && *number >= low && *number <= high) return *number;
  return base::Error{std::string(word) + ": a whole number from " + std::to_string(low) + " to " +
                     std::to_string(high) + " is expected"};
}

/// Adds what a word like `cooldown_ms=3000` says.
base::Status add_word(const std::string& word, journal::RulesChange& change) {
  const auto equals = std::min(word.find('='), word.size());
  const auto name = std::string_view(word).substr(0, equals);
  const auto value = std::string_view(word).substr(std::min(equals + 1, word.size()));
  const bool known = name == "cooldown_ms" || name == "charges_max" || name == "frozen";
  if (!known || equals == word.size()) {
    return base::Error{"\"" + word + "\" is no rule: there are cooldown_ms=NUMBER, " +
                       "charges_max=NUMBER and frozen=yes|no"};
  }
  if (name == "frozen") {
    if (value != "yes" && value != "no") {
      return base::Error{word + ": yes or no is expected"};
    }
    change.frozen = value == "yes";
    return base::Done{};
  }
  const bool cooldown = name == "cooldown_ms";
  const auto number = cooldown ? number_in(word, value, 0, base::limits::kCooldownMsMax)
                               : number_in(word, value, 1, base::limits::kChargesMax);
  if (!number) return number.error();
  (cooldown ? change.cooldown_ms : change.charges_max) = *number;
  return base::Done{};
}

/// What was changed holds in any case; whether it is safe as well is worth a line.
void warn_if_not_replicated(journal::Knobs& knobs) {
  const auto replicated = knobs.replicated();
  if (replicated && *replicated) return;
  complain("no replica of Redis has confirmed it yet: a failover may undo it");
}

int rules(std::span<const std::string> words, journal::Knobs& knobs,
          const journal::RulesChange& change) {
  if (!words.empty()) {
    const auto changed = knobs.change_rules(change);
    if (!changed) return complain(changed.error().message);
    warn_if_not_replicated(knobs);
  }
  const auto found = knobs.rules();
  if (!found) return complain(found.error().message);
  std::cout << "cooldown_ms=" << found->rules.cooldown_ms << "\n"
            << "charges_max=" << found->rules.charges_max << "\n"
            << "frozen=" << (found->rules.frozen ? "yes" : "no") << "\n"
            << "version=" << found->version << "\n";
  return EXIT_SUCCESS;
}

int ban(journal::Knobs& knobs, base::PersonId person, bool banned) {
  const auto news = knobs.ban(person, banned);
  if (!news) return complain(news.error().message);
  if (*news) warn_if_not_replicated(knobs);
  const std::string_view what = banned ? "banned" : "not banned";
  std::cout << base::number(person) << (*news ? " is " : " was ") << what
            << (*news ? " now" : " already") << "\n";
  return EXIT_SUCCESS;
}

int bans(journal::Knobs& knobs) {
  const auto people = knobs.bans();
  if (!people) return complain(people.error().message);
  for (const auto person : *people) std::cout << base::number(person) << "\n";
  return EXIT_SUCCESS;
}

std::optional<base::PersonId> person_in(std::span<const std::string> words) {
  if (words.size() != 1) return std::nullopt;
  const auto number = base::parse_number<std::int64_t>(words.front());
  if (!number || *number == 0 || *number > kPersonMax || *number < -kPersonMax) return std::nullopt;
  return base::PersonId{*number};
}

}  // namespace

bool is_knob(const std::string& command) {
  return std::find(kCommands.begin(), kCommands.end(), command) != kCommands.end();
}

int turn_knob(std::span<const std::string> words, const ops::Config& config) {
  const auto& command = words.front();
  const auto rest = words.subspan(1);
  journal::RulesChange change;
  std::optional<base::PersonId> person;
  if (command == "rules") {
    for (const auto& word : rest) {
      if (const auto added = add_word(word, change); !added) {
        return complain(added.error().message, kBadWords);
      }
    }
  } else if (command == "bans") {
    if (!rest.empty()) return complain("bans takes no more words", kBadWords);
  } else {
    person = person_in(rest);
    if (!person) {
      return complain(command + " takes one person: a whole number, negative for guests",
                      kBadWords);
    }
  }
  if (config.redis_url.empty()) {
    return complain(
        "REDIS_URL must be set; without Redis the rules are the settings: start with others");
  }
  const auto url = redis::Url::parse(config.redis_url);
  if (!url) return complain("REDIS_URL: " + url.error().message);
  journal::Knobs knobs(*url, config.redis_pubsub_channel);
  if (command == "rules") return rules(rest, knobs, change);
  return person ? ban(knobs, *person, command == "ban") : bans(knobs);
}

}  // namespace pixel_battle
