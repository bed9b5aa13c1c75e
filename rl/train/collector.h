// Gathers experience: steps the environments with the agent's actions, and gives the agent what followed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rl/config/train_config.h"
#include "rl/learn/agent.h"
#include "rl/log/run_log.h"
#include "rl/ranks/lockstep.h"
#include "rl/replay/running_normalizer.h"
#include "rl/train/run_counts.h"
#include "rl/train/vector_env.h"

namespace bellman {

class Collector {
 public:
  /// `lockstep`: where several ranks train; null: there is one. REQUIRES: config and lockstep outlive it.
  Collector(const TrainConfig& config, const EnvFactory& make_env, Lockstep* lockstep);

  const EnvSpec& spec() const { return envs_.spec(); }
  /// Of the observations; null when they are not normalised.
  RunningNormalizer* normalizer() { return normalizer_.get(); }

  /// Starts the first episode of every environment. Throws: Error for an observation that is not finite, here
  /// and below.
  void begin_episodes(Agent& agent, const RunCounts& counts);
  /// Ends the running episodes with their last steps, and starts others.
  void restart_episodes(Agent& agent, const RunCounts& counts);
  /// One round: every environment takes an epsilon-greedy action. Every environment has a random stream and a
  /// draw of its own. Throws: Error, with OnNan::kStop, for a reward or observation that is not finite.
  void step(Agent& agent, RunLog& log, RunCounts& counts, double epsilon);

  /// The environments and the observations' statistics.
  void save(StateWriter& out) const;
  void load(const StateReader& in);

 private:
  void step_environments(Agent& agent, RunLog& log, const RunCounts& counts, double epsilon);
  void begin_episode(Agent& agent, const RunCounts& counts, Index e);
  void restart_episode(Agent& agent, const RunCounts& counts, Index e);
  void skip_step(Agent& agent, RunCounts& counts, Index e, float reward);
  void require_finite(const RunCounts& counts, Index e, const char* what) const;
  std::span<const float> observation(Index e);
  float learning_reward(float reward) const;

  const TrainConfig& config_;
  VectorEnv envs_;
  std::unique_ptr<RunningNormalizer> normalizer_;
  Lockstep* lockstep_;
  std::vector<std::int32_t> actions_;  // (here)
  std::vector<StepRecord> steps_;      // (E): what the last round's led to
};

}  // namespace bellman
