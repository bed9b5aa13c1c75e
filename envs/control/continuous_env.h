// The environments whose state is a few real numbers (envs/control/continuous_step.h), by one class.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "envs/control/continuous_task.h"
#include "envs/episode_env.h"

namespace bellman {

/// Physical state: the task's numbers, in double. Observation: what it shows of them, as floats.
class ContinuousEnv : public EpisodeEnv {
 public:
  /// The task's number in ContinuousTasks.
  int task() const { return task_; }
  StepRewards rewards() const { return rewards_; }
  /// What each element of an observation is.
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

/// The environment as one of these; null for one that is none.
const ContinuousEnv* as_continuous(const Env& env);

/// What the registry lists of a task's variant.
struct ContinuousEntry {
  EnvEntry entry;
  bool has_sutton_barto_reward;
  EnvFactory (*factory)(const EnvOptions& options);
};
/// In the order of ContinuousTasks.
std::span<const ContinuousEntry> continuous_entries();

}  // namespace bellman
