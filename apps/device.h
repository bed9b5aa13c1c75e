// Where a network runs: what --device names.
#pragma once

#include <memory>
#include <string>

#include "core/backend.h"
#include "core/fused_dqn.h"
#include "core/replay_ops.h"

namespace bellman {

struct Device {
  std::unique_ptr<Backend> backend;
  /// Of a backend with a memory of its own: the replay lives there too. Null: it lives in host memory.
  ReplayOps* replay_ops = nullptr;
  FusedDqnOps* fused_dqn_ops = nullptr;  // of such a backend, when it has them
  std::string description;               // one line for people; empty for the CPU that was asked for
};

/// "cpu"; "cuda", a GPU; "auto", a GPU when there is one and the CPU otherwise; "simt", the GPU's kernels run
/// on the CPU; "reference", the plain loops. `threads` are the CPU backend's. Throws: Error for another name,
/// with the nearest one, and when the device is not to be had: what is missing.
Device make_device(const std::string& name, int threads);

}  // namespace bellman
