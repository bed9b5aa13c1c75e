// Settings that change over a run: epsilon, beta, the learning rate. Pure functions of the step, so that a
// resumed run goes on where it was, and a step that is skipped or asked for twice changes nothing.
#pragma once

#include <variant>

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

}  // namespace bellman
