#include "archive/migrations.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <thread>
#include <utility>
#include <vector>

#include "archive/migration_files.hpp"
#include "archive/schema.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace archive {

namespace {

namespace limits = base::limits;

constexpr const char* kUsage =
    "usage: upgrade head|<version>|+<steps>, downgrade base|<version>|-<steps>, current, history";
constexpr std::chrono::milliseconds kLockPoll{100};

/// What went wrong, in one line, and the exit code for it.
struct Problem {
  int code = kMigrationFailed;
  std::string message;
};
template <class T>
using Outcome = base::Result<T, Problem>;

Problem problem(const postgres::Error& error) {
  const std::string state = error.sqlstate.empty() ? "" : " [" + error.sqlstate + "]";
  return {kMigrationFailed, error.message + state};
}

enum class Direction { up, down };

/// Where to go: to a version, or so many steps from wherever the database is.
struct Target {
  Direction direction = Direction::up;
  std::optional<std::int64_t> version;
  std::int64_t steps = 0;
};

Outcome<Target> target_from(std::span<const std::string> words, std::int64_t head) {
  if (words.size() != 2) return Problem{kMigrationMisused, kUsage};
  Target target{words[0] == "upgrade" ? Direction::up : Direction::down, std::nullopt, 0};
  const std::string& where = words[1];
  const bool up = target.direction == Direction::up;
  if (where == (up ? "head" : "base")) {
    target.version = up ? head : 0;
    return target;
  }
  const bool relative = where.starts_with(up ? '+' : '-');
  const auto number =
      base::parse_number<std::int64_t>(std::string_view(where).substr(relative ? 1 : 0));
  if (!number || *number < 0 || (relative && *number == 0)) {
    return Problem{kMigrationMisused, kUsage};
  }
  if (relative) {
    target.steps = *number;
  } else if (*number > head) {
    return Problem{kMigrationFailed, "there is no migration " + four_digits(*number)};
  } else {
    target.version = *number;
  }
  return target;
}

class Migrator {
 public:
  Migrator(postgres::Connection& connection, std::vector<Migration> migrations, std::ostream& out)
      : connection_(connection), migrations_(std::move(migrations)), out_(out) {}

  Outcome<base::Done> run(std::span<const std::string> words);

 private:
  [[nodiscard]] std::int64_t head() const { return static_cast<std::int64_t>(migrations_.size()); }
  const Migration& migration(std::int64_t version) const {
    return migrations_[static_cast<std::size_t>(version - 1)];
  }
  Outcome<base::Done> move(const Target& target);
  Outcome<bool> step(Target& target);
  Outcome<std::int64_t> known_version();
  Outcome<base::Done> fix_version(Target& target, std::int64_t now) const;
  Outcome<postgres::Transaction> begin_locked();
  Outcome<base::Done> apply(std::int64_t from, Direction direction);
  Outcome<base::Done> print_current();
  void print_history() const;

  postgres::Connection& connection_;
  const std::vector<Migration> migrations_;
  std::ostream& out_;
};

Outcome<base::Done> Migrator::run(std::span<const std::string> words) {
  if (words.size() == 1 && words[0] == "history") {
    print_history();
    return base::Done{};
  }
  if (words.size() == 1 && words[0] == "current") return print_current();
  if (words.empty() || (words[0] != "upgrade" && words[0] != "downgrade")) {
    return Problem{kMigrationMisused, kUsage};
  }
  const auto target = target_from(words, head());
  if (!target) return target.error();
  return move(*target);
}

Outcome<base::Done> Migrator::move(const Target& target) {
  auto ready = connection_.set_call_timeout(limits::kMigrationMs);
  if (ready) {
    ready = connection_.run("SET lock_timeout = " + std::to_string(limits::kMigrationLockMs));
  }
  if (!ready) return problem(ready.error());
  Target wanted = target;
  while (true) {
    auto more = step(wanted);
    if (!more) return more.error();
    if (!*more) return base::Done{};
  }
}

/// One migration in one transaction; false when there is nothing left to do.
Outcome<bool> Migrator::step(Target& target) {
  auto transaction = begin_locked();
  if (!transaction) return transaction.error();
  const auto created = connection_.run(
      "CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY, name text NOT NULL, "
      "applied_at timestamptz NOT NULL DEFAULT now())");
  if (!created) return problem(created.error());
  const auto now = known_version();
  if (!now) return now.error();
  if (auto fixed = fix_version(target, *now); !fixed) return fixed.error();
  const bool up = target.direction == Direction::up;
  const bool finished = up ? *now >= *target.version : *now <= *target.version;
  if (!finished) {
    if (auto applied = apply(*now, target.direction); !applied) return applied.error();
  }
  if (auto committed = transaction->commit(); !committed) return problem(committed.error());
  if (finished) return false;
  const std::int64_t other = up ? *now + 1 : *now - 1;
  const auto word = [](std::int64_t version) { return version == 0 ? "" : four_digits(version); };
  out_ << "Running " << (up ? "upgrade " : "downgrade ") << word(*now) << " -> " << word(other)
       << ", " << migration(up ? other : *now).name << std::endl;
  return true;
}

/// Turns steps into a version, once it is known where they begin.
Outcome<base::Done> Migrator::fix_version(Target& target, std::int64_t now) const {
  if (target.version) return base::Done{};
  const std::int64_t to =
      target.direction == Direction::up ? now + target.steps : now - target.steps;
  if (to < 0 || to > head()) {
    return Problem{kMigrationFailed, "there are not so many migrations: the database is at " +
                                         four_digits(now) + " of " + four_digits(head())};
  }
  target.version = to;
  return base::Done{};
}

Outcome<std::int64_t> Migrator::known_version() {
  const auto version = schema_version(connection_);
  if (!version) return problem(version.error());
  if (*version > head()) {
    return Problem{kMigrationFailed, "the database has schema version " + four_digits(*version) +
                                         ", the newest migration here is " + four_digits(head())};
  }
  return *version;
}

/// Begins a transaction that no other migration runs beside. Asks again and again, rather than
/// waiting in the server, so that a server that goes away meanwhile is noticed.
Outcome<postgres::Transaction> Migrator::begin_locked() {
  const std::int64_t give_up_ms = base::steady_ms() + limits::kMigrationWaitMs;
  for (bool told = false;; told = true) {
    {
      auto transaction = postgres::Transaction::begin(connection_);
      if (!transaction) return problem(transaction.error());
      const auto locked =
          connection_.execute("SELECT pg_try_advisory_xact_lock($1)", kMigrationLock);
      if (!locked) return problem(locked.error());
      if (locked->as<bool>(0, 0)) return std::move(transaction).value();
    }
    if (base::steady_ms() > give_up_ms) {
      return Problem{kMigrationFailed, "another migration does not come to its end"};
    }
    if (!told) out_ << "Waiting for another migration to finish" << std::endl;
    std::this_thread::sleep_for(kLockPoll);
  }
}

Outcome<base::Done> Migrator::apply(std::int64_t from, Direction direction) {
  const bool up = direction == Direction::up;
  const Migration& next = migration(up ? from + 1 : from);
  const auto failed = [&](const std::string& why) {
    return Problem{kMigrationFailed, four_digits(next.version) + "_" + next.name +
                                         (up ? ".up.sql: " : ".down.sql: ") + why};
  };
  const auto script = read_file(up ? next.up : next.down);
  if (!script) return failed(script.error().message);
  const auto run = connection_.run(*script);
  if (!run) return failed(problem(run.error()).message);
  const auto noted =
      up ? connection_.execute("INSERT INTO schema_version (version, name) VALUES ($1, $2)",
                               next.version, next.name)
         : connection_.execute("DELETE FROM schema_version WHERE version = $1", next.version);
  if (!noted) return failed(problem(noted.error()).message);
  return base::Done{};
}

Outcome<base::Done> Migrator::print_current() {
  const auto version = known_version();
  if (!version) return version.error();
  if (*version > 0) {
    out_ << four_digits(*version) << (*version == head() ? " (head)" : "") << std::endl;
  }
  return base::Done{};
}

void Migrator::print_history() const {
  for (std::int64_t version = head(); version > 0; --version) {
    out_ << (version == 1 ? "<base>" : four_digits(version - 1)) << " -> " << four_digits(version)
         << (version == head() ? " (head), " : ", ") << migration(version).name << std::endl;
  }
}

int report(const Outcome<base::Done>& outcome, std::ostream& problems) {
  if (outcome) return kMigrated;
  problems << outcome.error().message << std::endl;
  return outcome.error().code;
}

}  // namespace

int migrate(postgres::Connection& connection, const std::filesystem::path& folder,
            std::span<const std::string> words, std::ostream& out, std::ostream& problems) {
  auto migrations = find_migrations(folder);
  if (!migrations) return report(Problem{kMigrationFailed, migrations.error().message}, problems);
  Migrator migrator(connection, std::move(migrations).value(), out);
  return report(migrator.run(words), problems);
}

int migrate(const std::string& url_text, const std::filesystem::path& folder,
            std::span<const std::string> words, std::ostream& out, std::ostream& problems) {
  const auto url = postgres::Url::parse(url_text);
  if (!url) return report(Problem{kMigrationFailed, url.error().message}, problems);
  postgres::Options options;
  options.application_name = "pixel-battle migrations";
  auto connection = postgres::Connection::open(*url, options);
  if (!connection) return report(problem(connection.error()), problems);
  return migrate(*connection, folder, words, out, problems);
}

}  // namespace archive
