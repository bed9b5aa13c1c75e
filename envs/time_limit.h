// A time limit ends an episode without ending the task: the last state still has value.
#pragma once

#include "core/base/host_device.h"
#include "core/base/tensor.h"

namespace bellman {

/// How many steps an episode has made, and how many it may make. Whether the task ended on the same step is
/// not asked: failing on the very step that hits the limit is both terminated and truncated.
struct TimeLimit {
  Index limit = 0;    // steps an episode may make; 0: no limit
  Index elapsed = 0;  // steps since the last reset

  BELLMAN_HOST_DEVICE constexpr void restart() { elapsed = 0; }
  /// Counts one step. True when it was the last one allowed.
  BELLMAN_HOST_DEVICE constexpr bool advance() {
    ++elapsed;
    return reached();
  }
  BELLMAN_HOST_DEVICE constexpr bool reached() const { return limit > 0 && elapsed >= limit; }
};

}  // namespace bellman
