// The class of all environments whose state is a few real numbers (envs/control/continuous_step.h).
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "envs/control/continuous_task.h"
#include "envs/episode_env.h"

namespace bellman {

/// Physical state: the task's numbers, in double. Observation: the task's, in float.
class ContinuousEnv : public EpisodeEnv {
 public:
  /// The task's number in ContinuousTasks.
  int task() const { return task_; }
  StepRewards rewards() const { return rewards_; }
  /// The meaning of each element of an observation.
  std::span<const std::string_view> observation_meanings() const { return meanings_; }

 protected:
  ContinuousEnv(EnvSpec spec, int task, std::size_t state_size, StepRewards rewards,
                std::span<const std::string_view> meanings)
      : EpisodeEnv(std::move(spec), state_size), task_(task), rewards_(rewards), meanings_(meanings) {}

 private:
  int task_;
  StepRewards rewards_;
  std::span<const std::string_view> meanings_;
};

/// `env` as a ContinuousEnv; null if it is none.
const ContinuousEnv* as_continuous(const Env& env);

/// A task's variant, for the registry.
struct ContinuousEntry {
  EnvEntry entry;
  bool has_sutton_barto_reward;
  EnvFactory (*factory)(const EnvOptions& options);
};
/// In the order of ContinuousTasks.
std::span<const ContinuousEntry> continuous_entries();

}  // namespace bellman
