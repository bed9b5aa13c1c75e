// The device on which a network runs (--device).
#pragma once

#include <memory>
#include <string>

#include "core/nn/agent_kernel.h"
#include "core/nn/rank_ops.h"
#include "core/ops/backend.h"
#include "rl/ranks/ranks.h"
#include "rl/train/trainer.h"

namespace bellman {

struct Device {
  std::unique_ptr<Backend> backend;
  /// For a Trainer: the extra ops of a backend that has its own memory. Empty: the replay is in host memory.
  TrainerParts parts;
  std::string description;                     // one line for people; empty for the CPU by its name
  AgentKernelOps* agent_kernel_ops = nullptr;  // of a backend that trains whole agents
  std::unique_ptr<DeviceExchange> exchange{};  // with the devices of other ranks; parts has it, too
};

/// "cpu"; "cuda", a GPU; "auto", a GPU when there is one and the CPU otherwise; "simt", the GPU's kernels on
/// the CPU; "reference", the plain loops. `threads` are the CPU backend's. Throws: Error for another name,
/// and for a device that is not available, with the reason.
Device make_device(const std::string& name, int threads);

/// Adds to a device what its ranks train with: `ranks` and, where it can be, an exchange between their devices, which the
/// description tells of. Collective. REQUIRES: every rank has the same kind of device. Throws: as link_devices (rl/ranks/device_link.h).
void join_ranks(Device& device, Ranks& ranks);

/// The device that "auto" means on this machine, so that a run keeps its device when it is resumed elsewhere;
/// another name unchanged, without a description.
struct SettledDevice {
  std::string name;
  std::string description;  // for people: the GPU, or why there is none
};
/// Throws: as make_device().
SettledDevice settled_device(const std::string& name);

}  // namespace bellman
