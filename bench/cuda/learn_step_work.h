// The work of cuda_learn_step_bench: one gradient step of DQN on a batch, and the same with the replay.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/workloads.h"
#include "core/nn/device_backend.h"
#include "core/nn/network.h"
#include "rl/learn/agent.h"
#include "rl/learn/dqn_update.h"

namespace bellman::bench {

/// The networks of this project's presets.
std::vector<Workload> learn_step_workloads();

LearnerOptions learn_step_options(const Workload& work);

/// A gradient step on one fixed batch.
class BatchStep {
 public:
  /// REQUIRES: backend and network outlive it.
  BatchStep(Backend& backend, const Network& network, const Workload& work);
  void run() { update_.run(work_.batch, 1e-3F); }
  /// After run(): whether gradients and TD errors agree with those of a first step on the CPU.
  bool is_that_of_cpu() const;

 private:
  friend class FusedBatchSteps;

  std::vector<float> fetch(ConstTensor tensor) const;
  std::vector<float> gradients() const { return fetch(update_.gradients().flat()); }
  std::vector<float> td_errors() const { return fetch(update_.td_error(work_.batch)); }

  Backend& backend_;
  const Network& network_;
  Workload work_;
  DqnUpdate update_;
};

/// The same step on the same batch as the device's one op, `steps` times in a launch. The batch lies in a
/// replay memory of its own.
class FusedBatchSteps {
 public:
  /// Throws: Error when the device has no such op or the network does not fit.
  /// REQUIRES: backend and network outlive it.
  FusedBatchSteps(DeviceBackend& backend, const Network& network, const Workload& work, Index steps);
  void run();
  /// After run() with one step: as BatchStep::is_that_of_cpu.
  bool is_that_of_cpu() const { return batch_.is_that_of_cpu(); }

 private:
  BatchStep batch_;
  Index size_, steps_, done_ = 0;
  Block<float> observations_, next_slots_, slots_, report_, sums_;
  std::unique_ptr<FusedDqn> fused_;
};

/// An agent whose replay in the backend's memory holds 2000 steps of random experience.
std::unique_ptr<Agent> agent_with_experience(Backend& backend, ReplayOps& ops, const Network& network,
                                             const Workload& work, bool prioritized,
                                             FusedDqnOps* fused = nullptr);

}  // namespace bellman::bench
