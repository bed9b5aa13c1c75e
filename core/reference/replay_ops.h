// The definition of the ops on a replay memory, as plain loops over host memory.
#pragma once

#include "core/ops/replay_ops.h"

namespace bellman {

/// For the backends whose memory is the host's: reference and cpu.
class HostReplayOps final : public ReplayOps {
 protected:
  BELLMAN_REPLAY_OPS(, override)
};

}  // namespace bellman
