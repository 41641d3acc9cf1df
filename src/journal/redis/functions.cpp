#include "journal/redis/functions.hpp"

#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "journal/redis/library.hpp"
#include "redis/replication.hpp"

namespace journal {

namespace {

using redis::kCallTime;
constexpr std::chrono::milliseconds kLargeCallTime{10'000};

std::string log_of(std::string_view state_key) {
  constexpr std::string_view kState = "state";
  return std::string(state_key.substr(0, state_key.size() - kState.size())) + "log";
}

CallError from(const redis::Error& error) {
  switch (error.kind) {
    case redis::Failure::not_applied:
      return {CallFailure::not_applied, error.message};
    case redis::Failure::unknown:
      return {CallFailure::unknown, error.message};
    case redis::Failure::refused:
      break;
  }
  const bool empty = error.code == "EMPTY";
  return {empty ? CallFailure::empty : CallFailure::refused, error.message};
}

CallError surprising(std::string_view what) {
  return {CallFailure::refused,
          "Redis gave a reply to " + std::string(what) + " that this program does not understand"};
}

/// Reads the elements of an array one after the other; a surprise makes it fail for good.
class Elements {
 public:
  explicit Elements(const redis::Reply& reply) : list_(reply.elements), ok_(reply.is_array()) {}

  template <class T>
  T number() {
    const auto* reply = next();
    if (reply == nullptr) return {};
    if (reply->type == redis::Reply::Type::integer && std::in_range<T>(reply->integer)) {
      return static_cast<T>(reply->integer);
    }
    const auto parsed = base::parse_number<T>(reply->text);
    ok_ = ok_ && reply->is_text() && parsed.has_value();
    return parsed.value_or(T{});
  }
  std::uint64_t digest() {
    const auto parsed = base::u64_from_hex(text());
    ok_ = ok_ && parsed.has_value();
    return parsed.value_or(0);
  }
  std::string_view text() {
    const auto* reply = next();
    if (reply == nullptr || !reply->is_text()) return fail();
    return reply->text;
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  const redis::Reply* next() {
    if (!ok_ || at_ == list_.size()) {
      ok_ = false;
      return nullptr;
    }
    return &list_[at_++];
  }
  std::string_view fail() {
    ok_ = false;
    return {};
  }

  const std::vector<redis::Reply>& list_;
  std::size_t at_ = 0;
  bool ok_;
};

canvas::Standing standpoint(Elements& elements) {
  const auto epoch = elements.number<std::uint64_t>();
  const auto offset = elements.number<std::uint64_t>();
  return {{epoch, offset}, elements.digest()};
}

/// One entry of XRANGE: its id, and the field with the record.
std::optional<Record> record_in(const redis::Reply& entry) {
  if (entry.elements.size() != 2 || entry.elements[1].elements.size() != 2) return std::nullopt;
  return decode_record(entry.elements[1].elements[1].text);
}

base::Result<std::vector<Record>, CallError> records_in(const redis::Reply& reply) {
  std::vector<Record> records;
  for (const auto& entry : reply.elements) {
    auto record = record_in(entry);
    if (!record) return surprising("XRANGE");
    records.push_back(std::move(*record));
  }
  return records;
}

std::string id_of(const canvas::Position& position) {
  return std::to_string(position.epoch) + "-" + std::to_string(position.offset);
}

/// A knob as pb1_rules takes it: `=` leaves it as it is.
template <class T>
std::string knob(const std::optional<T>& value) {
  return value ? std::to_string(std::int64_t{*value}) : "=";
}

}  // namespace

Functions::Functions(redis::Client& client, std::string key, std::string channel)
    : client_(client), key_(std::move(key)), log_(log_of(key_)), channel_(std::move(channel)) {}

/// FCALL of the function `name` on the canvas. Commands are made by plain functions: GCC 12 goes
/// wrong about lists in braces inside coroutines.
template <class... Words>
redis::Command Functions::function(std::string_view name, const Words&... words) const {
  return redis::command("FCALL", std::string("pb1_").append(name), "1", key_, words...);
}

Called<redis::Reply> Functions::call(redis::Command command, std::chrono::milliseconds time) {
  auto reply = co_await client_.ask_one(std::move(command), time);
  if (!reply) co_return from(reply.error());
  co_return std::move(reply).value();
}

Called<base::Done> Functions::load_library() {
  auto loaded =
      co_await call(redis::command("FUNCTION", "LOAD", "REPLACE", kLibraryText), kLargeCallTime);
  if (!loaded) co_return loaded.error();
  co_return base::Done{};
}

Called<base::Done> Functions::ping() {
  auto reply = co_await call(redis::command("PING"), kCallTime);
  if (!reply) co_return reply.error();
  co_return base::Done{};
}

Called<CanvasState> Functions::state() {
  auto reply = co_await call(function("state"), kCallTime);
  if (!reply) co_return reply.error();
  Elements elements(*reply);
  CanvasState state;
  state.at = standpoint(elements);
  state.size.width = elements.number<std::uint16_t>();
  state.size.height = elements.number<std::uint16_t>();
  state.rules.cooldown_ms = elements.number<std::uint32_t>();
  state.rules.charges_max = elements.number<std::uint32_t>();
  state.rules.frozen = elements.number<int>() != 0;
  state.rules_version = elements.number<std::uint64_t>();
  static_cast<void>(elements.number<std::int64_t>());  // the time there
  state.replication_id = elements.text();
  if (!elements.ok()) co_return surprising("pb1_state");
  co_return state;
}

Called<canvas::StandingBoard> Functions::snapshot(canvas::Size size) {
  auto reply = co_await call(function("snapshot"), kLargeCallTime);
  if (!reply) co_return reply.error();
  Elements elements(*reply);
  const auto at = standpoint(elements);
  const auto colors = elements.text();
  if (!elements.ok() || colors.size() != size.area()) co_return surprising("pb1_snapshot");
  co_return canvas::StandingBoard{at, canvas::Board(size, std::string(colors))};
}

Called<Appended> Functions::append(std::span<const canvas::Operation> operations,
                                   redis::DurableWrites& writes) {
  auto reply = co_await writes.write(function("append", channel_, encode_operations(operations)));
  if (!reply) co_return from(reply.error());
  Elements elements(*reply);
  const auto answers = decode_answers(elements.text(), operations.size());
  const auto record = elements.text();
  if (!elements.ok() || !answers) co_return surprising("pb1_append");
  Appended appended{.answers = *answers, .record = {}};
  if (!record.empty()) {
    appended.record = decode_record(record);
    if (!appended.record) co_return surprising("pb1_append");
  }
  co_return appended;
}

Called<canvas::Charges> Functions::charges(base::PersonId person) {
  auto reply = co_await call(function("charges", base::number(person)), kCallTime);
  if (!reply) co_return reply.error();
  Elements elements(*reply);
  canvas::Charges charges;
  charges.left = elements.number<std::uint32_t>();
  charges.next_charge_ms = elements.number<std::uint32_t>();
  if (!elements.ok()) co_return surprising("pb1_charges");
  co_return charges;
}

Called<base::Done> Functions::change_rules(const RulesChange& change) {
  auto reply = co_await call(function("rules", channel_, knob(change.cooldown_ms),
                                      knob(change.charges_max), knob(change.frozen)),
                             kCallTime);
  if (!reply) co_return reply.error();
  co_return base::Done{};
}

Called<base::Done> Functions::apply_settings(const canvas::Rules& rules) {
  auto reply = co_await call(
      function("settings", channel_, rules.cooldown_ms, rules.charges_max, int{rules.frozen}),
      kCallTime);
  if (!reply) co_return reply.error();
  co_return base::Done{};
}

Called<bool> Functions::ban(base::PersonId person, bool banned) {
  auto reply = co_await call(function("ban", base::number(person), int{banned}), kCallTime);
  if (!reply) co_return reply.error();
  Elements elements(*reply);
  const bool news = elements.number<int>() != 0;
  if (!elements.ok()) co_return surprising("pb1_ban");
  co_return news;
}

Called<std::vector<base::PersonId>> Functions::bans() {
  auto reply = co_await call(function("bans"), kCallTime);
  if (!reply) co_return reply.error();
  Elements elements(*reply);
  std::vector<base::PersonId> people(reply->elements.size());
  for (auto& person : people) person = base::PersonId{elements.number<std::int64_t>()};
  if (!elements.ok()) co_return surprising("pb1_bans");
  co_return people;
}

Called<EpochCheck> Functions::end_epoch(const canvas::Standing& seen) {
  auto reply = co_await call(function("end_epoch", channel_, seen.position.epoch,
                                      seen.position.offset, base::to_hex(seen.digest)),
                             kCallTime);
  if (!reply) co_return reply.error();
  const auto word = Elements(*reply).text();
  if (word == "held") co_return EpochCheck::held;
  if (word == "unknown") co_return EpochCheck::unknown;
  if (word == "ended") co_return EpochCheck::ended;
  if (word == "other") co_return EpochCheck::other;
  co_return surprising("pb1_end_epoch");
}

Called<OfferAnswer> Functions::offer(std::string_view candidate, const canvas::Position& position,
                                     std::chrono::milliseconds wait) {
  auto reply = co_await call(
      function("offer", candidate, position.epoch, position.offset, wait.count()), kCallTime);
  if (!reply) co_return reply.error();
  const auto word = Elements(*reply).text();
  if (word == "exists") co_return OfferAnswer::exists;
  if (word == "wait") co_return OfferAnswer::wait;
  if (word == "adopt") co_return OfferAnswer::adopt;
  co_return surprising("pb1_offer");
}

redis::Command Functions::adoption(std::string_view candidate,
                                   const canvas::StandingBoard& standing,
                                   const canvas::Rules& rules, std::uint64_t rules_version,
                                   std::span<const RecordedEntry> recent,
                                   std::uint64_t recent_base_digest) const {
  const auto size = standing.board.size();
  const auto& at = standing.at;
  const std::int64_t time_ms = recent.empty() ? 0 : recent.back().entry.time_ms;
  auto command =
      function("adopt", channel_, candidate, size.width, size.height, rules.cooldown_ms,
               rules.charges_max, int{rules.frozen}, rules_version, time_ms, at.position.epoch,
               at.position.offset, base::to_hex(at.digest), standing.board.pixels());
  for (const Record& record : records_of(at.position.epoch, recent_base_digest, recent)) {
    command.push_back(encode_record(record));
  }
  return command;
}

Called<bool> Functions::adopt(std::string_view candidate, const canvas::StandingBoard& standing,
                              const canvas::Rules& rules, std::uint64_t rules_version,
                              std::span<const RecordedEntry> recent,
                              std::uint64_t recent_base_digest) {
  auto reply =
      co_await call(adoption(candidate, standing, rules, rules_version, recent, recent_base_digest),
                    kLargeCallTime);
  if (!reply) co_return reply.error();
  co_return Elements(*reply).text() == "adopted";
}

Called<std::vector<Record>> Functions::read_log(const canvas::Position& after,
                                                std::size_t records_max) {
  auto reply =
      co_await call(redis::command("XRANGE", log_, "(" + id_of(after), "+", "COUNT", records_max),
                    kLargeCallTime);
  if (!reply) co_return reply.error();
  co_return records_in(*reply);
}

Called<std::vector<Record>> Functions::read_log_back(const canvas::Position& until,
                                                     std::size_t records_max) {
  auto reply = co_await call(
      redis::command("XREVRANGE", log_, id_of(until), "-", "COUNT", records_max), kLargeCallTime);
  if (!reply) co_return reply.error();
  co_return records_in(*reply);
}

Called<bool> Functions::replicated() {
  const auto replicated =
      co_await redis::ask_replicated(client_, redis::command("HINCRBY", key_, "beat", 1));
  if (!replicated) co_return from(replicated.error());
  co_return *replicated;
}

Called<base::Done> Functions::trim(const canvas::Position& position) {
  auto reply = co_await call(function("trim", position.epoch, position.offset), kCallTime);
  if (!reply) co_return reply.error();
  co_return base::Done{};
}

Called<base::Done> Functions::publish(std::string message) {
  auto reply = co_await call(redis::command("PUBLISH", channel_, std::move(message)), kCallTime);
  if (!reply) co_return reply.error();
  co_return base::Done{};
}

}  // namespace journal
