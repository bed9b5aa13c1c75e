// What `--override KEY=VALUE` means for a run that is resumed, setting by setting. docs/reliability.md shows
// the table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "apps/settings/settings.h"

namespace bellman {

enum class OverrideKind : std::uint8_t {
  kFromNextStep,  // holds from the next environment step on; nothing else is done
  kAsksAnew,      // what was decided by the old value is decided anew (rl/train/settings_change.h)
  kOnlyAtStart,   // a run has it from its start: refused
};

struct OverrideRule {
  std::string_view key;  // as on the command line
  OverrideKind kind = OverrideKind::kFromNextStep;
  std::string_view words = {};  // what is decided anew, or why it is refused
};

/// One for each of settings(), in any order.
std::span<const OverrideRule> override_rules();

/// REQUIRES: there is one, which a test sees to.
const OverrideRule& override_rule(const Setting& setting);

}  // namespace bellman
