// Where a network runs: what --device names.
#pragma once

#include <memory>
#include <string>

#include "core/nn/agent_kernel.h"
#include "core/ops/backend.h"
#include "rl/train/trainer.h"

namespace bellman {

struct Device {
  std::unique_ptr<Backend> backend;
  /// For a Trainer: what a backend with a memory of its own has beside its ops. Empty: the replay lives in
  /// host memory.
  TrainerParts parts;
  std::string description;                     // one line for people; empty for the CPU that was asked for
  AgentKernelOps* agent_kernel_ops = nullptr;  // of a backend that has whole agents
};

/// "cpu"; "cuda", a GPU; "auto", a GPU when there is one and the CPU otherwise; "simt", the GPU's kernels run
/// on the CPU; "reference", the plain loops. `threads` are the CPU backend's. Throws: Error for another name,
/// with the nearest one, and when the device is not to be had: what is missing.
Device make_device(const std::string& name, int threads);

/// What "auto" is on this machine, so that a run that is resumed elsewhere stays what it was; another name as
/// it is, without a description.
struct SettledDevice {
  std::string name;
  std::string description;  // for people: the GPU, or why there is none
};
/// Throws: as make_device().
SettledDevice settled_device(const std::string& name);

}  // namespace bellman
