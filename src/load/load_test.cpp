#include "load/load_test.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>
#include <utility>

#include <boost/json/parse.hpp>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "load/report.hpp"

namespace load {

namespace {

namespace json = boost::json;

constexpr std::int64_t kLastComeNs = 5 * base::kSecondNs;  // besides as long as the others took
constexpr std::int64_t kSettleNs = 15 * base::kSecondNs;  // for answers, and for those who are away
constexpr std::int64_t kLastDeltasNs = 10 * base::kSecondNs;
constexpr unsigned kRetryAfterSMax = 30;
constexpr double kRateReached = 0.95;
constexpr double kHeldSMin = 0.001;
constexpr std::size_t kFilesBeside = 32;  // open files that are no clients
const std::string kGuest = "/api/auth/guest";
const std::string kSnapshot = "/api/canvas/snapshot";

std::int64_t cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * base::kSecondNs + time.tv_nsec;
}

/// The member of a JSON object, or null.
json::value member(const std::string& text, const char* name) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  const auto* const object = error ? nullptr : value.if_object();
  const auto* const found = object ? object->if_contains(name) : nullptr;
  return found ? *found : json::value();
}

std::string shown(const Answer& answer) {
  const auto error = member(answer.body, "error");
  const auto* const object = error.if_object();
  const auto* const code = object ? object->if_contains("code") : nullptr;
  return std::to_string(answer.status) +
         (code && code->is_string() ? " " + std::string(code->as_string()) : "");
}

/// Whether it is written, or there is nothing to write to.
bool write(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  return file.good();
}

double round_to(double value, double unit) { return std::round(value / unit) * unit; }

}  // namespace

LoadTest::LoadTest(const Options& options, const std::function<bool()>& stopped, std::ostream& out,
                   std::ostream& err, bool terminal)
    : options_(options), stopped_(stopped), out_(out), err_(err), progress_(err, terminal) {}

base::Result<int> LoadTest::run() {
  if (auto fits = check_machine(); !fits) return fits.error();
  if (auto found = find_canvas(); !found) return found.error();
  record_.emplace(base::steady_ns());
  auto start = snapshot(0);
  if (!start) return start.error();
  account_.emplace(start->at.position);
  checker_.emplace(std::move(start).value(), color_bits_);
  auto tokens = sign_in_painters();
  if (!tokens) return tokens.error();
  crowd_ = std::make_unique<Crowd>(
      Endpoint{options_.host.authority, {*address_}},
      CrowdOptions{options_.clients, std::move(tokens).value(), options_.rate, options_.ramp},
      *checker_, *account_, *record_);
  hold();
  wind_down();
  compare();
  crowd_->end();
  return report();
}

// --- Before -------------------------------------------------------------------------------------

base::Status LoadTest::check_machine() const {
  for (const auto& path : {options_.json, options_.html}) {
    if (!path.empty() && !std::ofstream(path, std::ios::app)) {
      return base::Error{path + ": cannot be written"};
    }
  }
  const auto files = raise_file_limit();
  if (files < options_.clients + kFilesBeside) {
    return base::Error{"this machine lets a process open " + std::to_string(files) +
                       " files, and " + std::to_string(options_.clients) +
                       " clients need one each: raise the hard limit (ulimit -Hn)"};
  }
  if (const auto ports = local_ports(); ports < options_.clients) {
    return base::Error{"this machine has " + std::to_string(ports) +
                       " local ports for connections to one address, and " +
                       std::to_string(options_.clients) +
                       " clients need one each: raise net.ipv4.ip_local_port_range, or use "
                       "several machines"};
  }
  return base::Done{};
}

/// The first of the host's addresses that answers is the one for all.
base::Status LoadTest::find_canvas() {
  const auto& authority = options_.host.authority;
  const auto addresses = resolve(options_.host);
  if (!addresses) return addresses.error();
  std::string why;
  for (const auto& address : *addresses) {
    http_ = std::make_unique<Http>(authority, address);
    const auto answer = http_->ask("GET", "/api/canvas");
    if (!answer) {
      why = answer.error().message;
      continue;
    }
    const auto palette = member(answer->body, "palette");
    const auto width = member(answer->body, "width");
    const auto height = member(answer->body, "height");
    if (answer->status != 200 || !palette.is_array() || !width.is_int64() || !height.is_int64()) {
      return base::Error{"no canvas answers at http://" + authority +
                         ": GET /api/canvas: " + shown(*answer)};
    }
    address_ = address;
    color_bits_ = canvas::color_bits(palette.as_array().size());
    size_ = {static_cast<std::uint16_t>(width.as_int64()),
             static_cast<std::uint16_t>(height.as_int64())};
    return base::Done{};
  }
  return base::Error{"nothing answers at http://" + authority + ": " + why};
}

base::Result<canvas::StandingBoard> LoadTest::snapshot(std::uint64_t min_offset) {
  const auto began_ns = base::steady_ns();
  const auto answer = http_->ask("GET", kSnapshot + "?min_offset=" + std::to_string(min_offset));
  const auto took_ns = base::steady_ns() - began_ns;
  const auto problem = !answer ? answer.error().message : shown(*answer);
  if (!answer || answer->status != 200) {
    record_->failure("GET", kSnapshot, took_ns, problem);
    return base::Error{"no snapshot: " + problem};
  }
  record_->answer("GET", kSnapshot, took_ns);
  const auto epoch = base::parse_number<std::uint64_t>(answer->field("x-canvas-epoch"));
  const auto offset = base::parse_number<std::uint64_t>(answer->field("x-canvas-offset"));
  const auto digest = base::u64_from_hex(answer->field("x-canvas-digest"));
  if (!epoch || !offset || !digest || answer->body.size() != size_.area()) {
    return base::Error{"the snapshot is none: its head or its size is wrong"};
  }
  return canvas::StandingBoard{{{*epoch, *offset}, *digest}, canvas::Board(size_, answer->body)};
}

/// Answers 429 are waited for as long as they say.
base::Result<std::vector<std::string>> LoadTest::sign_in_painters() {
  std::vector<std::string> tokens;
  while (tokens.size() < options_.painters && !stopped_()) {
    const auto began_ns = base::steady_ns();
    const auto answer = http_->ask("POST", kGuest);
    if (!answer) return base::Error{"POST " + kGuest + ": " + answer.error().message};
    if (answer->status == 429) {
      record_->wait_asked();
      const auto said = base::parse_number<unsigned>(answer->field("retry-after")).value_or(1);
      const auto until_ns = base::steady_ns() + std::min(said, kRetryAfterSMax) * base::kSecondNs;
      progress_.say("signing in: " + std::to_string(tokens.size()) + " of " +
                    std::to_string(options_.painters) +
                    " guests, and the server asks to wait (GUEST_LIMIT_PER_ADDRESS)");
      while (base::steady_ns() < until_ns && !stopped_()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      continue;
    }
    const auto token = member(answer->body, "token");
    if (answer->status != 200 || !token.is_string()) {
      return base::Error{"a painter could not sign in as a guest: " + shown(*answer)};
    }
    record_->answer("POST", kGuest, base::steady_ns() - began_ns);
    tokens.emplace_back(token.as_string());
  }
  return tokens;
}

// --- Meanwhile ----------------------------------------------------------------------------------

bool LoadTest::run_until(const std::function<bool()>& done, std::int64_t limit_ns) {
  return crowd_->swarm().run_until(
      [&] {
        crowd_->work();
        const auto now_ns = base::steady_ns();
        const auto& swarm = crowd_->swarm();
        record_->turn(now_ns, swarm.ready());
        if (progress_.due(now_ns)) {
          const auto* const placed = record_->row(kWebSocket, kAcknowledged);
          progress_.tell(now_ns, {.live = swarm.ready(),
                                  .deltas = swarm.counters().deltas,
                                  .placements = account_->placed(),
                                  .p99_ms = placed ? placed->percentile_ms(99).value_or(0) : 0,
                                  .errors = record_->failures() - crowd_->faults(),
                                  .faults = crowd_->faults(),
                                  .reconnects = crowd_->reconnects()});
        }
        return done();
      },
      limit_ns, 1);
}

bool LoadTest::all_live() const { return crowd_->swarm().ready() == crowd_->swarm().size(); }

void LoadTest::hold() {
  const std::int64_t never = INT64_MAX / 2;
  const auto began_ns = base::steady_ns();
  const auto began_cpu_ns = cpu_ns();
  run_until([this] { return stopped_() || crowd_->all_came(); }, never);
  // Those who were added last may still wait for their turn to connect.
  const auto last_ns = static_cast<double>(kLastComeNs) +
                       static_cast<double>(options_.clients) / options_.ramp * base::kSecondNs;
  run_until([&] { return stopped_() || all_live(); },
            static_cast<std::int64_t>(std::min(last_ns, static_cast<double>(never))));
  run_until(stopped_, static_cast<std::int64_t>(options_.duration_s * 1e9));
  live_in_the_end_ = crowd_->swarm().ready();
  record_->end(base::steady_ns(), live_in_the_end_);
  cpu_s_ = static_cast<double>(cpu_ns() - began_cpu_ns) * 1e-9;
  held_s_ = std::max(static_cast<double>(base::steady_ns() - began_ns) * 1e-9, kHeldSMin);
}

// --- In the end ---------------------------------------------------------------------------------

void LoadTest::wind_down() {
  progress_.say("waiting for the last answers");
  crowd_->wind_down();
  const auto settled = [this] { return all_live() && crowd_->pending() == 0; };
  if (!run_until(settled, kSettleNs) && !all_live()) {
    const auto away = crowd_->swarm().size() - crowd_->swarm().ready();
    crowd_->fault({"clients are missing", std::to_string(away) + " of " +
                                              std::to_string(crowd_->swarm().size()) +
                                              " clients could not come (back)"});
  }
}

/// The server's board against the one that the deltas made, and the account against both.
void LoadTest::compare() {
  const auto told = checker_->standing().position;
  const auto found = snapshot(told.offset);
  if (!found) {
    verdict_ = {false, {"THE ACCOUNT DOES NOT HOLD", found.error().message}};
    return;
  }
  const auto& at = found->at.position;
  verdict_ = account_->verdict(*found);
  if (!run_until([&] { return crowd_->behind(at) == 0; }, kLastDeltasNs)) {
    crowd_->fault({"the last deltas are missing", std::to_string(crowd_->behind(at)) +
                                                      " clients were not brought to offset " +
                                                      std::to_string(at.offset)});
  }
  if (at.epoch != told.epoch) return;  // the account says so
  const auto ours = checker_->standing().position;
  if (at.offset < told.offset || ours.offset < at.offset) {
    crowd_->fault({"the deltas and the snapshot end elsewhere",
                   "the deltas led to offset " + std::to_string(ours.offset) +
                       ", the snapshot is of " + std::to_string(at.offset)});
  } else if (const auto wrong = checker_->compare(*found)) {
    crowd_->fault(*wrong);
  } else {
    verdict_.lines.emplace_back("the board that the deltas made is the server's");
  }
}

Outcome LoadTest::outcome() const {
  const auto& counters = crowd_->swarm().counters();
  const auto errors = record_->failures() - crowd_->faults();
  Outcome outcome{.host = "http://" + options_.host.authority,
                  .users = options_.clients,
                  .verdict = verdict_,
                  .thresholds = {},
                  .facts = {}};
  const auto limit = [&](const std::string& name, double found, double most) {
    outcome.thresholds.push_back({name, found, most});
  };
  const auto p99_ms = [this](const std::string& name) {
    const auto* const row = record_->row(kWebSocket, name);
    // Nothing was measured: that exceeds every limit.
    return row ? row->percentile_ms(99).value_or(HUGE_VAL) : HUGE_VAL;
  };
  limit("faults in what clients were sent", static_cast<double>(crowd_->faults()), 0);
  limit("errors", static_cast<double>(errors), static_cast<double>(options_.errors_max));
  if (options_.reconnects_max) {
    limit("reconnects", static_cast<double>(crowd_->reconnects()),
          static_cast<double>(*options_.reconnects_max));
  }
  if (options_.p99_ms_max) {
    limit("p99 ms acknowledged", p99_ms(kAcknowledged), *options_.p99_ms_max);
  }
  if (options_.seen_p99_ms_max) {
    limit("p99 ms until each client has seen it", p99_ms(kSeenByAll), *options_.seen_p99_ms_max);
  }
  outcome.facts = {
      {"clients live at most", static_cast<double>(crowd_->most_live())},
      {"clients live when the time was over", static_cast<double>(live_in_the_end_)},
      {"connections that ended and were made again", static_cast<double>(crowd_->reconnects())},
      {"clients that had to take a new board", static_cast<double>(crowd_->boards_needed())},
      {"frames checked", static_cast<double>(counters.frames)},
      {"deltas checked", static_cast<double>(counters.deltas)},
      {"megabytes received", round_to(static_cast<double>(counters.bytes) / 1e6, 0.1)},
      {"placements acknowledged a second",
       round_to(static_cast<double>(account_->placed()) / held_s_, 0.1)},
      {"CPU seconds of the generator a second", round_to(cpu_s_ / held_s_, 0.001)}};
  return outcome;
}

// --- The report ---------------------------------------------------------------------------------

void LoadTest::say_limits() const {
  const bool full = crowd_->endings().contains("the upgrade was answered with 503");
  if (full) out_ << "503: the server was full, or had enough of this address, or was going down\n";
  if (record_->limited() > 0) {
    out_ << record_->limited()
         << " answers were 429: the server's limits held the load back, not its speed\n";
  }
  if (!full && record_->limited() == 0) return;
  out_ << "All clients come from one address: CONNECTIONS_PER_ADDRESS_MAX=0, "
          "RATE_LIMIT_PER_ADDRESS=0,\nGUEST_LIMIT_PER_ADDRESS=0 and a larger CONNECTIONS_MAX lift "
          "the server's limits\n";
}

int LoadTest::report() {
  progress_.end();
  const auto result = outcome();
  for (const auto& fact : result.facts)
    out_ << fact.name << ": " << short_number(fact.value) << "\n";
  for (const auto* const name : {&kAcknowledged, &kSeen, &kSeenByAll}) {
    const auto* const row = record_->row(kWebSocket, *name);
    if (row == nullptr || row->count() == 0) continue;
    out_ << *name << ": p50 " << short_number(*row->percentile_ms(50)) << " ms, p99 "
         << short_number(*row->percentile_ms(99)) << " ms, at most " << short_number(*row->max_ms())
         << " ms\n";
  }
  for (const auto& [why, count] : crowd_->endings()) {
    out_ << "connections, " << why << ": " << count << "\n";
  }
  say_limits();
  const auto rate = static_cast<double>(account_->placed()) / held_s_;
  if (rate < kRateReached * options_.rate) {
    out_ << "fewer placements a second than --rate asks for: the rules or the servers allow no "
            "more, or the\nclients were still coming; more --painters may help\n";
  }
  for (const auto& [what, count] : record_->failures_by_kind()) {
    out_ << "failure, " << count << " times: " << what << "\n";
  }
  for (const auto& fault : crowd_->first_faults()) out_ << "fault: " << fault << "\n";
  for (const auto& line : verdict_.lines) out_ << line << "\n";
  bool passed = verdict_.holds;
  for (const auto& threshold : result.thresholds) {
    passed = passed && threshold.holds();
    out_ << (threshold.holds() ? "holds: " : "DOES NOT HOLD: ") << threshold.name << ": "
         << short_number(threshold.found) << ", at most " << short_number(threshold.limit) << "\n";
  }
  out_ << (passed ? "PASSED" : "FAILED") << std::endl;
  const auto text = record_->json(result);
  const bool written = write(options_.json, text) && write(options_.html, report_page(text));
  return passed && written ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace load
