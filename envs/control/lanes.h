// What a number that may be one double or a register full of them is asked beyond arithmetic: the choices of
// envs/control/sin_cos.h and of the tasks (envs/control/continuous_task.h). Comparisons give masks, joined by & and |.
#pragma once

#include "core/base/host_device.h"

namespace bellman {

/// a where the mask holds, else b: lane by lane.
template <class Mask, class T>
BELLMAN_HOST_DEVICE inline T select(Mask mask, T a, T b) {
  return mask ? a : b;
}

/// Whether a mask holds in any lane.
BELLMAN_HOST_DEVICE inline bool any_lane(bool mask) { return mask; }

/// The same number in every lane.
template <class T>
BELLMAN_HOST_DEVICE inline T in_all_lanes(double value) {
  return T{} + value;
}

/// x, or the nearer of two bounds.
template <class T>
BELLMAN_HOST_DEVICE inline T clamped(T x, double least, double most) {
  return select(x < least, in_all_lanes<T>(least), select(x > most, in_all_lanes<T>(most), x));
}

}  // namespace bellman
