#include "load/checker.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/bytes.hpp"
#include "base/text.hpp"

namespace load {

namespace {

constexpr std::size_t kMarks = 65'536;
constexpr std::size_t kLogPixelsMax = 262'144;
constexpr std::size_t kAheadMax = 4'096;
constexpr std::size_t kHeadBytes = 1 + 8 + 4 + 8;  // type, base, advance, digest

std::string range(std::uint64_t from, std::uint64_t to) {
  return "entries " + std::to_string(from + 1) + " to " + std::to_string(to);
}

bool has(const std::vector<canvas::PixelChange>& pixels, std::uint32_t index) {
  const auto found = std::ranges::lower_bound(pixels, index, {}, &canvas::PixelChange::index);
  return found != pixels.end() && found->index == index;
}

}  // namespace

Checker::Checker(canvas::StandingBoard start, unsigned color_bits)
    : color_bits_(color_bits), board_(std::move(start)), slots_(kSlots), marks_(kMarks) {
  static_cast<void>(stands(board_.at));  // the first one is remembered
}

Checker::Seen Checker::delta(Reader& reader, std::string_view message) {
  if (message.size() < kHeadBytes) return {.fault = Fault{"a broken delta", "it is too short"}};
  base::ByteReader in(message.substr(1));
  const auto from = in.get<std::uint64_t>();
  const auto to = from + in.get<std::uint32_t>();
  const auto digest = in.get<std::uint64_t>();
  auto& at = reader.position;
  if (from > at.offset) {
    return {.fault = Fault{"a gap", "a client at offset " + std::to_string(at.offset) +
                                        " was sent " + range(from, to)}};
  }
  if (from < at.offset) {
    return {.fault = Fault{"a duplicate", "a client at offset " + std::to_string(at.offset) +
                                              " was sent " + range(from, to)}};
  }
  const canvas::Standing standing{{at.epoch, to}, digest};
  if (auto fault = stands(standing)) return {.fault = std::move(fault)};

  const auto slot_index = (from * 31 + to + at.epoch) % kSlots;
  Slot& slot = slots_[slot_index];
  Seen seen{.slot = slot_index};
  if (slot.from == at && slot.to == to && !slot.message.empty()) {
    if (slot.message != message) {
      seen.fault = Fault{"clients are told differently",
                         "two clients were sent different pixels for " + range(from, to)};
    }
  } else {
    slot = {.from = at, .to = to, .message = std::string(message), .told = {}};
    seen.fault = read(message, slot.told);
    const bool followed = at.epoch == board_.at.position.epoch;
    if (!seen.fault && followed) seen.fault = contradicts(slot.told);
    if (!seen.fault && followed) follow(slot.told, digest);
    seen.news = &slot.told.pixels;
  }
  if (seen.fault) {
    slot.message.clear();
    seen.news = nullptr;
  } else {
    reader = standing;
  }
  return seen;
}

std::optional<Fault> Checker::stands(const canvas::Standing& standing) {
  Mark& mark = marks_[standing.position.offset % marks_.size()];
  if (mark.position == standing.position) {
    if (mark.digest == standing.digest) return std::nullopt;
    return Fault{"two digests", "at offset " + std::to_string(standing.position.offset) +
                                    " the digest is " + base::to_hex(mark.digest) + " and " +
                                    base::to_hex(standing.digest)};
  }
  mark = {standing.position, standing.digest};
  return std::nullopt;
}

std::optional<Fault> Checker::read(std::string_view message, Told& told) const {
  auto decoded = wire::decode_server(message, color_bits_);
  if (!decoded) return Fault{"a broken delta", "it cannot be decoded"};
  auto& delta = std::get<wire::Delta>(*decoded);
  told = {.from = delta.base, .to = delta.base + delta.advance, .pixels = std::move(delta.pixels)};
  const bool outside =
      !told.pixels.empty() && told.pixels.back().index >= board_.board.size().area();
  if (outside || told.pixels.size() > delta.advance ||
      told.pixels.empty() != (delta.advance == 0)) {
    return Fault{"a broken delta", range(told.from, told.to) + " cannot be " +
                                       std::to_string(told.pixels.size()) + " such pixels"};
  }
  return std::nullopt;
}

/// Against the deltas that moved the board, also those with other beginnings and ends.
std::optional<Fault> Checker::contradicts(const Told& told) const {
  if (auto fault = lacks(told)) return fault;
  const bool known =
      !log_.empty() && log_.front().from <= told.from && told.to <= board_.at.position.offset;
  return known ? differs(told) : std::nullopt;
}

/// What was drawn within the entries must be told.
std::optional<Fault> Checker::lacks(const Told& told) const {
  auto at = std::ranges::upper_bound(log_, told.from, {}, &Told::to);
  for (; at != log_.end() && at->to <= told.to; ++at) {
    if (at->from < told.from) continue;
    for (const auto& pixel : at->pixels) {
      if (has(told.pixels, pixel.index)) continue;
      return Fault{"a pixel is missing", "pixel " + std::to_string(pixel.index) +
                                             " was drawn within " + range(at->from, at->to) +
                                             ", but is not in " + range(told.from, told.to)};
    }
  }
  return std::nullopt;
}

/// What is told must have been drawn, and the last colour is known where no delta reaches further.
std::optional<Fault> Checker::differs(const Told& told) const {
  struct Last {
    std::uint64_t to = 0;
    std::uint8_t color = 0;
  };
  std::unordered_map<std::uint32_t, Last> newest;
  auto at = std::ranges::upper_bound(log_, told.from, {}, &Told::to);
  for (; at != log_.end(); ++at) {
    if (at->from >= told.to) continue;
    for (const auto& pixel : at->pixels) newest[pixel.index] = {at->to, pixel.color};
  }
  for (const auto& pixel : told.pixels) {
    const auto found = newest.find(pixel.index);
    if (found != newest.end() &&
        (found->second.to > told.to || found->second.color == pixel.color)) {
      continue;
    }
    return Fault{"clients are told differently", "pixel " + std::to_string(pixel.index) + " in " +
                                                     range(told.from, told.to) +
                                                     " is not as others were told"};
  }
  return std::nullopt;
}

/// Moves the board as far as the deltas lead; those that begin further on are kept meanwhile.
void Checker::follow(const Told& told, std::uint64_t digest) {
  if (told.to <= board_.at.position.offset) return;
  if (told.from > board_.at.position.offset) {
    if (ahead_.size() < kAheadMax) ahead_.insert_or_assign(told.from, std::pair(told, digest));
    return;
  }
  move(told, digest);
  while (!ahead_.empty() && ahead_.begin()->first <= board_.at.position.offset) {
    const auto next = std::move(ahead_.extract(ahead_.begin()).mapped());
    if (next.first.to > board_.at.position.offset) move(next.first, next.second);
  }
  settle_promises();
}

/// The delta may begin before the board: the last write to a pixel has won in both.
void Checker::move(const Told& told, std::uint64_t digest) {
  const auto width = board_.board.size().width;
  for (const auto& pixel : told.pixels) {
    board_.board.set(static_cast<std::uint16_t>(pixel.index % width),
                     static_cast<std::uint16_t>(pixel.index / width), pixel.color);
  }
  board_.at.position.offset = told.to;
  board_.at.digest = digest;
  log_.push_back(told);
  log_pixels_ += told.pixels.size();
  while (log_pixels_ > kLogPixelsMax && log_.size() > 1) {
    log_pixels_ -= log_.front().pixels.size();
    log_.pop_front();
  }
}

void Checker::acknowledged(const canvas::Position& position, std::uint32_t index) {
  if (position.epoch != board_.at.position.epoch) return;
  const Promise promise{position.offset, index};
  if (promise.offset > board_.at.position.offset) {
    promises_.push_back(promise);
  } else {
    keep(promise);
  }
}

void Checker::keep(const Promise& promise) {
  if (log_.empty() || promise.offset <= log_.front().from) return;  // it is too old to tell
  const auto found = std::ranges::lower_bound(log_, promise.offset, {}, &Told::to);
  if (broken_ || has(found->pixels, promise.index)) return;
  broken_ = Fault{"an acknowledged pixel is not there",
                  "pixel " + std::to_string(promise.index) + " was acknowledged as entry " +
                      std::to_string(promise.offset) + ", but is not in " +
                      range(found->from, found->to)};
}

void Checker::settle_promises() {
  std::erase_if(promises_, [this](const Promise& promise) {
    if (promise.offset > board_.at.position.offset) return false;
    keep(promise);
    return true;
  });
}

std::optional<Fault> Checker::take_fault() { return std::exchange(broken_, std::nullopt); }

std::optional<Fault> Checker::compare(const canvas::StandingBoard& found) const {
  const auto& ours = board_.board.pixels();
  const auto& theirs = found.board.pixels();
  if (found.board.size() != board_.board.size()) {
    return Fault{"another board", "the canvas has another size than in the beginning"};
  }
  const auto offset = found.at.position.offset;
  const Mark& mark = marks_[offset % marks_.size()];
  if (mark.position == found.at.position && mark.digest != found.at.digest) {
    return Fault{"two digests", "the snapshot has another digest than the deltas"};
  }
  std::vector<bool> later(ours.size());
  for (auto at = log_.rbegin(); at != log_.rend() && at->to > offset; ++at) {
    for (const auto& pixel : at->pixels) later[pixel.index] = true;
  }
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    wrong += !later[i] && ours[i] != theirs[i] ? 1 : 0;
  }
  if (wrong == 0) return std::nullopt;
  return Fault{"another board", std::to_string(wrong) + " pixels of the snapshot at offset " +
                                    std::to_string(offset) + " are not as the deltas told"};
}

}  // namespace load
