// Settings that change over a run: epsilon, beta, the learning rate. They are pure functions of the step: a
// resumed run continues with the right value, and skipping or repeating a step changes nothing.
#pragma once

#include <cmath>
#include <variant>

#include "core/base/check.h"
#include "core/base/numeric.h"
#include "core/base/tensor.h"

namespace bellman {

/// From `start` to `end` in a straight line over `duration` steps, then `end`.
class LinearSchedule {
 public:
  /// Throws: Error when a value is not finite or the duration negative.
  LinearSchedule(double start, double end, Index duration);
  /// The value at a step; that at 0 for a step below 0. Exactly `end` from step `duration` on.
  double operator()(Index step) const;
  double start() const { return start_; }
  double end() const { return end_; }
  Index duration() const { return duration_; }

 private:
  double start_, end_;
  Index duration_;
};

/// max(floor, start factor^step).
class ExponentialSchedule {
 public:
  /// Throws: Error when start is below 0 or not finite, factor outside (0, 1], or floor outside [0, start].
  ExponentialSchedule(double start, double factor, double floor);
  /// The value at a step; that at 0 for a step below 0.
  double operator()(Index step) const;
  double start() const { return start_; }
  double factor() const { return factor_; }
  double floor() const { return floor_; }

 private:
  double start_, factor_, floor_;
};

using Schedule = std::variant<LinearSchedule, ExponentialSchedule>;

inline double value_at(const Schedule& schedule, Index step) {
  return std::visit([step](const auto& s) { return s(step); }, schedule);
}

inline LinearSchedule::LinearSchedule(double start, double end, Index duration)
    : start_(start), end_(end), duration_(duration) {
  if (!std::isfinite(start) || !std::isfinite(end))
    fail("a linear schedule goes from ", start, " to ", end, ", both must be finite");
  if (duration < 0) fail("a linear schedule lasts ", duration, " steps, must last at least 0");
}

inline double LinearSchedule::operator()(Index step) const {
  return on_a_line(start_, end_, duration_, step);
}

inline ExponentialSchedule::ExponentialSchedule(double start, double factor, double floor)
    : start_(start), factor_(factor), floor_(floor) {
  if (!std::isfinite(start) || start < 0)
    fail("an exponential schedule starts at ", start, ", must be finite and at least 0");
  if (!(factor > 0 && factor <= 1))
    fail("an exponential schedule has the factor ", factor, " a step, must be in (0, 1]");
  if (!(floor >= 0 && floor <= start))
    fail("an exponential schedule has the floor ", floor, ", must be in [0, ", start, "]");
}

inline double ExponentialSchedule::operator()(Index step) const {
  return falling(start_, factor_, floor_, step);
}

}  // namespace bellman
