// A run in the form that a device's agent kernel takes (core/nn/agent_kernel.h): the settings of
// rl/config/train_config.h as plain numbers, the environment as data.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/nn/agent_kernel.h"
#include "core/nn/network.h"
#include "envs/env.h"
#include "envs/grid/tabular_step.h"
#include "rl/config/train_config.h"

namespace bellman {

/// An environment as data. Owns what its view refers to.
class AgentEnvData {
 public:
  /// Throws: Error for an environment that cannot be made, or has no step function for devices.
  explicit AgentEnvData(const EnvOptions& options);
  AgentEnvData(const AgentEnvData&) = delete;
  AgentEnvData& operator=(const AgentEnvData&) = delete;

  const AgentEnv& view() const { return view_; }
  const EnvSpec& spec() const { return env_->spec(); }
  /// The largest |reward| of a step.
  double largest_reward() const { return largest_reward_; }

 private:
  std::unique_ptr<Env> env_;
  AgentEnv view_;
  TabularTable table_;
  std::vector<std::int32_t> start_states_;
  std::vector<double> start_probabilities_;
  std::vector<float> observations_;
  double largest_reward_ = 0;
};

/// All that a device gets of a run.
struct AgentRun {
  AgentShape shape;
  AgentSettings settings;
};

/// Why no device's agent kernel can train this, in one line; empty when one could, if the network fits
/// (AgentKernelOps says that). Throws: Error for an environment or a network that cannot be made.
std::string agent_run_unsupported_reason(const TrainConfig& config);

/// REQUIRES: agent_run_unsupported_reason() is empty; env and network are the configuration's.
AgentRun agent_run(const TrainConfig& config, const AgentEnvData& env, const Network& network);

/// The parameters that a run begins with, as DqnParameters has them.
std::vector<float> initial_parameters(const TrainConfig& config, const Network& network);

}  // namespace bellman
