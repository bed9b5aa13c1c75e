// From the settings of a run to the parts that it is put together from.
#pragma once

#include <memory>
#include <string>

#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "envs/env.h"
#include "rl/config/schedule.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"

namespace bellman {

class Agent;
class GradientAverage;
class Lockstep;
struct TrainerParts;

OptimizerOptions optimizer_options(const TrainConfig& config);

/// The environment steps of the whole run: total_timesteps, rounded up to rounds of all environments.
Index steps_to_make(const TrainConfig& config);

/// Epsilon, by environment steps made.
Schedule exploration_schedule(const TrainConfig& config);
/// The learning rate and the exponent of importance weights, likewise.
Schedule learning_rate_schedule(const TrainConfig& config);
Schedule beta_schedule(const TrainConfig& config);

/// The Q-network for an environment. Throws: Error for a text that is none.
Network q_network(const TrainConfig& config, const EnvSpec& spec);

/// The mean return that counts as solved; NaN: none is defined.
double solved_return(const TrainConfig& config, const EnvSpec& spec);

/// Slots of the replay ring. Without replay: just what the n-step windows of the running episodes need.
Index replay_slots(const TrainConfig& config);

/// An empty ring of these slots, for the run's environments.
ReplayRing replay_ring(const TrainConfig& config);

/// The most transitions that one learn step can have.
Index max_batch(const TrainConfig& config);

/// The most episodes that an evaluation during training plays at once; 1 where there is none.
Index most_eval_episodes(const TrainConfig& config);

/// The most observations that are asked about at once: in acting, and in evaluations.
Index max_acting_batch(const TrainConfig& config);

/// Uniform, prioritised or, without replay, the newest transitions.
std::unique_ptr<Sampler> make_sampler(const TrainConfig& config, Index slots);

/// `slots` of the ring; `normalizer` may be null. Observations are stored as floats unless the caller says
/// otherwise.
LearnerOptions learner_options(const TrainConfig& config, const RunningNormalizer* normalizer);

/// Whether the replay lies in the backend's memory: where `parts` offer that and the settings allow it.
bool uses_device_replay(const TrainConfig& config, const TrainerParts& parts);
/// Whether they do not: observations are normalised, scaled or stacked, which the host does.
bool needs_host_replay(const TrainConfig& config);
/// What of a run depends on other ranks; null: there is one.
struct RankedParts {
  Lockstep* lockstep = nullptr;
  GradientAverage* gradient_average = nullptr;
};
/// Whether several ranks train.
bool has_ranks(const TrainerParts& parts);
/// The most transitions of a batch that one of `ranks` learns from.
Index ranked_batch(const TrainConfig& config, int ranks);
/// The most observations of other ranks that a learn step needs.
Index landing_rows(const TrainConfig& config, int ranks);
/// Why several ranks cannot train this; empty: they can.
std::string ranks_unsupported_reason(const TrainConfig& config, const TrainerParts& parts);

/// Replay, networks and optimiser; `normalizer` may be null. REQUIRES: backend, network, normalizer and what
/// `parts` and `ranked` refer to outlive the agent.
Agent make_agent(const TrainConfig& config, const EnvSpec& spec, const TrainerParts& parts, Backend& backend,
                 const Network& network, const RunningNormalizer* normalizer, const RankedParts& ranked = {});

}  // namespace bellman
