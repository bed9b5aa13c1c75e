#include "rl/train/from_config.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "rl/learn/agent.h"
#include "rl/learn/make_learner.h"
#include "rl/learn/q_network.h"
#include "rl/ranks/ranked_learner.h"
#include "rl/state/rank_share.h"
#include "rl/train/trainer.h"

namespace bellman {

OptimizerOptions optimizer_options(const TrainConfig& config) {
  switch (config.optimizer) {
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      return AdamOptions{.epsilon = config.optimizer_epsilon,
                         .weight_decay = config.weight_decay,
                         .decoupled = config.optimizer == OptimizerKind::kAdamW};
    case OptimizerKind::kRmsProp:
      return RmsPropOptions{.alpha = config.rmsprop_alpha,
                            .epsilon = config.optimizer_epsilon,
                            .epsilon_in_root = config.rmsprop_epsilon_in_root,
                            .momentum = config.momentum,
                            .weight_decay = config.weight_decay,
                            .centered = config.rmsprop_centered};
    case OptimizerKind::kSgd:
      return SgdOptions{.momentum = config.momentum, .weight_decay = config.weight_decay};
  }
  fail("unknown optimizer ", static_cast<int>(config.optimizer));
}

Index steps_to_make(const TrainConfig& config) {
  return (config.total_timesteps + config.num_envs - 1) / config.num_envs * config.num_envs;
}

Schedule exploration_schedule(const TrainConfig& config) {
  if (config.exploration_schedule == ExplorationSchedule::kExponential)
    return ExponentialSchedule(config.start_e, config.exploration_decay, config.end_e);
  const double duration = config.exploration_fraction * static_cast<double>(config.total_timesteps);
  return LinearSchedule(config.start_e, config.end_e, static_cast<Index>(std::llround(duration)));
}

Schedule learning_rate_schedule(const TrainConfig& config) {
  return LinearSchedule(config.learning_rate, config.anneal_learning_rate ? 0.0 : config.learning_rate,
                        config.total_timesteps);
}

Schedule beta_schedule(const TrainConfig& config) {
  return LinearSchedule(config.per_beta_start, config.per_beta_end, config.total_timesteps);
}

Network q_network(const TrainConfig& config, const EnvSpec& spec) {
  return Network(complete_network_text(config.network, spec.num_actions, config.dueling),
                 spec.observation_shape);
}

double solved_return(const TrainConfig& config, const EnvSpec& spec) {
  return std::isnan(config.solved_return) ? spec.reward_threshold : config.solved_return;
}

Index replay_slots(const TrainConfig& config) {
  // A window of n steps, the observation after it, the first one of the next episode, and the frames before the first.
  const Index window = config.n_step + 2 + config.env.frame_stack - 1;
  return config.replay ? config.buffer_size : config.num_envs * window;
}

Index max_batch(const TrainConfig& config) {
  // An episode's end completes up to n windows at once.
  return config.replay ? config.batch_size : config.num_envs * config.n_step;
}

Index most_eval_episodes(const TrainConfig& config) {
  return config.eval_frequency == 0 ? 1 : std::max(config.eval_episodes, config.solve_confirm_episodes);
}

Index max_acting_batch(const TrainConfig& config) {
  return std::max({config.num_envs, most_eval_episodes(config), config.final_eval_episodes});
}

std::unique_ptr<Sampler> make_sampler(const TrainConfig& config, Index slots) {
  if (!config.replay) return std::make_unique<NewestSampler>(max_batch(config));
  if (!config.prioritized) return std::make_unique<UniformSampler>(slots, config.seed);
  const PriorityPower power = {.alpha = config.per_alpha, .epsilon = config.per_epsilon};
  return std::make_unique<PrioritizedSampler>(slots, config.seed, power);
}

LearnerOptions learner_options(const TrainConfig& config, const RunningNormalizer* normalizer) {
  LearnerOptions options;
  static_cast<DqnOptions&>(options) = config;
  options.max_batch = max_batch(config);
  options.max_acting_batch = max_acting_batch(config);
  options.optimizer = optimizer_options(config);
  options.initialiser = config.initialiser;
  options.seed = config.seed;
  options.frame_stack = config.env.frame_stack;
  options.on_nan = config.on_nan;
  options.normalizer = normalizer;
  return options;
}

bool uses_device_replay(const TrainConfig& config, const TrainerParts& parts) {
  return parts.replay_ops && config.replay && !needs_host_replay(config) && !has_ranks(parts);
}

bool has_ranks(const TrainerParts& parts) { return parts.ranks && parts.ranks->size() > 1; }

Index ranked_batch(const TrainConfig& config, int ranks) {
  return share_of(max_batch(config), 0, ranks).count;
}

Index landing_rows(const TrainConfig& config, int ranks) {
  return ranks == 1 ? 0 : 2 * config.env.frame_stack * ranked_batch(config, ranks);
}

std::string ranks_unsupported_reason(const TrainConfig& config, const TrainerParts& parts) {
  if (!config.replay) return "replay is false: ranks learn from a replay that they share";
  if (config.normalize_observation)
    return "normalize_observation is true: its statistics are of all observations, and each rank sees its "
           "own";
  if (parts.records) return "a run that is recorded step by step has one rank";
  return "";
}

bool needs_host_replay(const TrainConfig& config) {
  return config.normalize_observation || config.observation_scale != 1 || config.env.frame_stack > 1;
}

ReplayRing replay_ring(const TrainConfig& config) {
  return {replay_slots(config), config.num_envs, config.n_step, config.gamma, config.env.frame_stack};
}

Agent make_agent(const TrainConfig& config, const EnvSpec& spec, const TrainerParts& parts, Backend& backend,
                 const Network& network, const RunningNormalizer* normalizer, const RankedParts& ranked) {
  ReplayRing ring = replay_ring(config);
  LearnerOptions options = learner_options(config, normalizer);
  if (spec.byte_observations) options.observation_type = ObservationType::kUint8;
  const bool on_device = uses_device_replay(config, parts);
  // On a device auto is op by op (docs/decisions/0010).
  const bool fused_op = on_device && config.learner == LearnerKind::kFused && parts.fused_dqn_ops;
  const bool brought = parts.make_learner != nullptr;
  const LearnerKind kind =
      brought || fused_op ? config.learner : chosen_learner(config.learner, backend, network, options);
  if (on_device)
    return device_agent(backend, *parts.replay_ops, network, std::move(ring), options,
                        {.prioritized = config.prioritized,
                         .priorities = {.alpha = config.per_alpha, .epsilon = config.per_epsilon},
                         .seed = config.seed,
                         .most_steps = std::min<Index>(config.gradient_steps, 128)},
                        fused_op ? parts.fused_dqn_ops : nullptr);
  KeptObservations kept;
  if (ranked.lockstep) {
    options.max_batch = ranked_batch(config, ranked.lockstep->size());
    options.gradient_average = ranked.gradient_average;
    kept = {ranked.lockstep->envs(), landing_rows(config, ranked.lockstep->size())};
  }
  auto sampler = make_sampler(config, ring.capacity());
  auto replay =
      std::make_unique<HostReplay>(std::move(ring), std::move(sampler), network.input_shape().elements(),
                                   options.observation_type, max_batch(config), kept);
  std::unique_ptr<Learner> learner =
      brought ? parts.make_learner(network, options) : make_learner(kind, backend, network, options);
  if (ranked.lockstep)
    learner =
        std::make_unique<RankedLearner>(std::move(learner), *ranked.lockstep, *replay, max_batch(config));
  return host_agent(std::move(replay), std::move(learner), network.output_shape()[0], config.on_nan);
}

}  // namespace bellman
