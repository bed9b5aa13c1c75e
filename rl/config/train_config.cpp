#include "rl/config/train_config.h"

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "core/base/check.h"
#include "core/base/text.h"
#include "rl/config/settings_table.h"

namespace bellman {
namespace {

/// Real settings are used as floats, and what is close to 0 in fused kernels as 0: a number that is not 0
/// must not become 0, a denormal or infinite on the way. Every real setting passes through here.
void representable(std::string_view name, double value) {
  constexpr double kLeast = std::numeric_limits<float>::min(), kMost = std::numeric_limits<float>::max();
  const double size = std::abs(value);
  if (size != 0 && std::isfinite(size) && !(size >= kLeast && size <= kMost))
    fail(name, " is ", value, ", of a size that no float holds: it must be from ", kLeast, " to ", kMost);
}

/// "must be ...": what check_range demands of a real number.
std::string range_text(const Range& range) {
  if (range.maximum <= 0) return number_text(range.maximum) + " or less, and finite";
  const std::string low = number_text(range.minimum), high = number_text(range.maximum);
  if (range.maximum > 1)
    return range.above_minimum ? "above " + low + ", and finite" : low + " or more, and finite";
  return range.above_minimum ? "above " + low + " and at most " + high : low + " to " + high;
}

void check_range(const std::string& name, const Range& range, double value) {
  const bool in = (range.above_minimum ? value > range.minimum : value >= range.minimum) &&
                  (value <= range.maximum || range.maximum > 1) && std::isfinite(value);
  if (!in) fail(name, " is ", value, ", must be ", range_text(range));
}

/// Throws: Error unless the setting's number is within the table's range. The environment checks its own
/// options.
void check_setting(const Setting& setting, TrainConfig& config) {
  const std::string name = file_key(setting);
  const bool is_env = setting.section == "Environment", may_be_nan = !setting.nan_word.empty();
  std::visit(
      [&]<class T>(const T* value) {
        if constexpr (std::is_same_v<T, int> || std::is_same_v<T, Index>) {
          if (!is_env && !(static_cast<double>(*value) >= setting.range.minimum))
            fail(name, " is ", *value, ", must be at least ", setting.range.minimum);
        } else if constexpr (std::is_same_v<T, double>) {
          if (!is_env && !may_be_nan) check_range(name, setting.range, *value);
          representable(name, *value);
        }
      },
      setting.place(config));
}

/// As a float, too: 1 - momentum must not be 0.
void check_below_1(std::string_view name, double value) {
  if (!(value >= 0 && static_cast<float>(value) < 1.0F))
    fail(name, " is ", value, ", must be 0 or more and below 1");
}

void check_contradictions(const TrainConfig& c) {
  if (c.munchausen && c.double_dqn)
    fail(
        "munchausen and double_dqn are true: Munchausen's targets have no action for another network to "
        "choose");
  if (c.munchausen && c.n_step > 1)
    fail("munchausen is true and n_step is ", c.n_step,
         ", must be 1: what the later actions of a return would add is not defined");
  if (c.prioritized && !c.replay)
    fail("prioritized is true, but replay is false: there is nothing to prioritise");
  if (c.exploration_schedule == ExplorationSchedule::kExponential && c.end_e > c.start_e)
    fail("end_e is ", c.end_e, ", above start_e, ", c.start_e, ": an exponential schedule only falls");
  if (c.observation_scale > 1000)
    fail("observation_scale is ", c.observation_scale,
         ", must be at most 1000: what the network sees is at most 10");
  if (c.stop_when_solved && c.eval_frequency == 0)
    fail("stop_when_solved is true, but eval_frequency is 0: no evaluation could find the run solved");
}

}  // namespace

void TrainConfig::validate() const {
  check_below_1("momentum", momentum);
  check_below_1("rmsprop_alpha", rmsprop_alpha);
  TrainConfig copy = *this;  // a setting's place is an address in a TrainConfig that is not const
  for (const Setting& setting : settings()) check_setting(setting, copy);
  check_contradictions(*this);
}

}  // namespace bellman
