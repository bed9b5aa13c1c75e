// A backend with memory of its own: what callers can use beside the ops.
#pragma once

#include <cstdint>
#include <string>

#include "core/nn/agent_kernel.h"
#include "core/nn/fused_dqn.h"
#include "core/nn/rank_ops.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"

namespace bellman {

/// Counts of a device's operations so far.
struct DeviceCounters {
  std::uint64_t launches = 0;          // of single kernels
  std::uint64_t replays = 0;           // of recorded sequences
  std::uint64_t recordings = 0;        // of sequences, for the first time or again
  std::uint64_t uploads = 0;           // copies from the host
  std::uint64_t synchronisations = 0;  // times the host waited for the device
};

class DeviceBackend : public Backend {
 public:
  bool is_on_host() const final { return false; }
  virtual ReplayOps& replay_ops() = 0;
  virtual RankOps& rank_ops() = 0;
  /// Null where the device has no fused learn step.
  virtual FusedDqnOps* fused_dqn_ops() { return nullptr; }
  /// Null where the device has no agent kernel.
  virtual AgentKernelOps* agent_kernel_ops() { return nullptr; }
  virtual DeviceCounters counters() const = 0;
  /// The device's name for messages: "NVIDIA H100 (79 GiB, compute capability 9.0)".
  virtual std::string description() const = 0;
};

}  // namespace bellman
