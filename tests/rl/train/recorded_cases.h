// Runs of every kind that a looker-on meets.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "cuda/backend/make_cuda_backend.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/run_pieces.h"

namespace bellman::test {

/// A backend and what of it a trainer takes.
struct Place {
  std::unique_ptr<Backend> backend;
  TrainerParts parts;
};

inline Place cpu() { return {std::make_unique<CpuBackend>(1), {}}; }
inline Place reference() { return {std::make_unique<ReferenceBackend<float>>(), {}}; }
inline Place simt() {
  std::unique_ptr<DeviceBackend> device = make_simt_backend();
  const TrainerParts parts = {.replay_ops = &device->replay_ops(), .fused_dqn_ops = device->fused_dqn_ops()};
  return {std::move(device), parts};
}

struct RecordedCase {
  std::string name;
  TrainConfig config;
  Place (*place)() = cpu;
};

inline std::vector<RecordedCase> recorded_cases() {
  std::vector<RecordedCase> all;
  TrainConfig config = training_to_resume();
  all.push_back({"fused", config});
  config.learner = LearnerKind::kOpByOp;
  all.push_back({"op by op", config});
  all.push_back({"the plain loops", config, reference});
  config.normalize_observation = config.prioritized = config.double_dqn = true;
  config.num_envs = 3;
  config.max_grad_norm = 1;
  config.diagnostics = Diagnostics::kFull;
  all.push_back({"normalised, by priority", config});
  config = training_to_resume();
  config.replay = false;
  config.n_step = 3;
  config.diagnostics = Diagnostics::kFull;
  all.push_back({"without replay", config});
  config = training_to_resume();
  config.env.id = "FrozenLake-v1";
  config.diagnostics = Diagnostics::kFull;
  all.push_back({"a gridworld", config});
  config = training_to_resume();
  config.total_timesteps = 300;
  config.eval_frequency = 0;
  config.log_frequency = 10;
  config.gradient_steps = 3;
  all.push_back({"simt", config, simt});
  config.learner = LearnerKind::kFused;
  all.push_back({"simt, fused", config, simt});
  config.learner = LearnerKind::kAuto;
  config.prioritized = true;
  config.diagnostics = Diagnostics::kFull;
  all.push_back({"simt, by priority", config, simt});
  return all;
}

}  // namespace bellman::test
