// An axis of a chart: numbers to places along it, and its ticks.
#pragma once

#include <string>
#include <vector>

#include "apps/page/chart.h"

namespace bellman {

/// The least of 1, 2 and 5 times a power of ten that is at least `rough`: a step between ticks. REQUIRES: rough > 0.
double round_step(double rough);

/// Whether an axis can hold the number. The differences of two such numbers are finite.
bool fits(double value, Scale scale);

class Axis {
 public:
  /// From `low` to `high` or a little beyond, to the next ticks; about `parts` of them. REQUIRES: numbers that fit,
  /// low <= high.
  Axis(double low, double high, Scale scale, int parts);

  bool holds(double value) const { return fits(value, scale_); }
  /// 0 at the low end, 1 at the high end.
  double share(double value) const { return (position(value) - low_) / (high_ - low_); }

  struct Tick {
    double share;
    std::string text;
  };
  /// Ascending. On a linear axis they are whole multiples of a round step, on a logarithmic one powers of ten. Where that
  /// is one or two decades, 2 and 5 times these have ticks as well: a factor of three can be read.
  std::vector<Tick> ticks() const;

 private:
  double position(double value) const;
  void add_ticks();
  void cut_to_range();
  std::string tick_text(double value) const;

  Scale scale_;
  bool is_fine_ = false;           // has ticks at 2 and 5, too
  double low_, high_, step_;       // positions: logarithms on a logarithmic axis
  std::vector<double> positions_;  // of the ticks
};

}  // namespace bellman
