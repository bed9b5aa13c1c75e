#include "rl/config/schedule.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/schedule_value.h"

namespace bellman {

LinearSchedule::LinearSchedule(double start, double end, Index duration)
    : start_(start), end_(end), duration_(duration) {
  if (!std::isfinite(start) || !std::isfinite(end))
    fail("a linear schedule goes from ", start, " to ", end, ", both must be finite");
  if (duration < 0) fail("a linear schedule lasts ", duration, " steps, must last at least 0");
}

double LinearSchedule::operator()(Index step) const { return on_a_line(start_, end_, duration_, step); }

ExponentialSchedule::ExponentialSchedule(double start, double factor, double floor)
    : start_(start), factor_(factor), floor_(floor) {
  if (!std::isfinite(start) || start < 0)
    fail("an exponential schedule starts at ", start, ", must be finite and at least 0");
  if (!(factor > 0 && factor <= 1))
    fail("an exponential schedule has the factor ", factor, " a step, must be in (0, 1]");
  if (!(floor >= 0 && floor <= start))
    fail("an exponential schedule has the floor ", floor, ", must be in [0, ", start, "]");
}

double ExponentialSchedule::operator()(Index step) const { return falling(start_, factor_, floor_, step); }

}  // namespace bellman
