// What schedules (rl/config/schedule.h) come to at a step, for host and device alike, with the same bits: no product
// is followed by a sum that a compiler could fuse it with as it likes.
#pragma once

#include <cmath>

#include "core/base/host_device.h"
#include "core/base/tensor.h"

namespace bellman {

/// start + (end - start) step / duration, then exactly `end`; `start` for a step below 0.
BELLMAN_HOST_DEVICE inline double on_a_line(double start, double end, Index duration, Index step) {
  if (step >= duration) return end;
  if (step <= 0) return start;
  return fma(end - start, static_cast<double>(step) / static_cast<double>(duration), start);
}

/// x^n by squares: right within n 2^-53 of itself, which is what a last bit of x is to it. 1 for n below 0.
BELLMAN_HOST_DEVICE inline double whole_power(double x, Index n) {
  double power = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2 != 0) power *= x;
  return power;
}

/// max(floor, start factor^step).
BELLMAN_HOST_DEVICE inline double falling(double start, double factor, double floor, Index step) {
  const double value = start * whole_power(factor, step);
  return value < floor ? floor : value;
}

}  // namespace bellman
