// A backend whose memory is not the host's: what its callers may know of it beside the ops.
#pragma once

#include <cstdint>
#include <string>

#include "core/nn/agent_kernel.h"
#include "core/nn/fused_dqn.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"

namespace bellman {

/// What a device was asked to do so far.
struct DeviceCounters {
  std::uint64_t launches = 0;          // of kernels, one by one
  std::uint64_t replays = 0;           // of recorded sequences, one call each
  std::uint64_t recordings = 0;        // sequences that had to be recorded, first or anew
  std::uint64_t uploads = 0;           // copies from the host
  std::uint64_t synchronisations = 0;  // times the host waited for the device
};

class DeviceBackend : public Backend {
 public:
  bool is_on_host() const final { return false; }
  virtual ReplayOps& replay_ops() = 0;
  /// Null where a learn step as one op is not offered.
  virtual FusedDqnOps* fused_dqn_ops() { return nullptr; }
  /// Null where whole agents on the device are not offered.
  virtual AgentKernelOps* agent_kernel_ops() { return nullptr; }
  virtual DeviceCounters counters() const = 0;
  /// Which device, for people: "NVIDIA H100 (79 GiB, compute capability 9.0)".
  virtual std::string description() const = 0;
};

}  // namespace bellman
