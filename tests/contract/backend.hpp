// What the contract tests need to know of an implementation of the journal.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "canvas/board.hpp"
#include "canvas/cooldown.hpp"
#include "journal/journal.hpp"

namespace contract {

struct Settings {
  canvas::Size size{32, 16};
  std::uint8_t blank_color = 9;
  canvas::Rules rules{.cooldown_ms = 0, .charges_max = 5};
};

/// One stored journal, opened as often as wanted, one at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::unique_ptr<journal::Journal> open(const Settings& settings) = 0;
  /// From now on the journal's clock shows `now_ms`. False: its clock cannot be set.
  virtual bool set_clock(std::int64_t now_ms) = 0;
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};

inline std::string kind_name(const testing::TestParamInfo<Kind>& info) { return info.param.name; }

}  // namespace contract
