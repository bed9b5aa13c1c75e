#include "rl/population/agent_run.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "envs/control/continuous_env.h"
#include "envs/grid/tabular_env.h"
#include "rl/learn/dqn_update.h"
#include "rl/learn/make_learner.h"
#include "rl/train/evaluator.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

AgentSchedule numbers(const Schedule& schedule) {
  struct Numbers {
    AgentSchedule operator()(const LinearSchedule& s) const {
      return {.start = s.start(), .end = s.end(), .duration = s.duration()};
    }
    AgentSchedule operator()(const ExponentialSchedule& s) const {
      return {.start = s.start(), .end = s.floor(), .factor = s.factor()};
    }
  };
  return std::visit(Numbers{}, schedule);
}

/// Evaluations of a whole run.
Index evaluations_of(const TrainConfig& config) {
  if (config.eval_frequency == 0) return 1;
  return (config.total_timesteps + config.num_envs) / config.eval_frequency + 1;
}

}  // namespace

AgentEnvData::AgentEnvData(const EnvOptions& options) : env_(make_env(options)) {
  const EnvSpec& spec = env_->spec();
  view_ = {.inputs = spec.observation_shape.elements(),
           .actions = spec.num_actions,
           .max_episode_steps = spec.max_episode_steps,
           .eval_episode_steps = spec.max_episode_steps > 0 ? spec.max_episode_steps : Evaluator::kStepLimit};
  if (const ContinuousEnv* const continuous = as_continuous(*env_)) {
    const StepRewards rewards = continuous->rewards();
    view_.task = continuous->task();
    view_.ending_reward = rewards.ending;
    view_.other_reward = rewards.going_on;
    largest_reward_ = std::max(std::abs(rewards.ending), std::abs(rewards.going_on));
    return;
  }
  const TabularEnv* const tabular = as_tabular(*env_);
  if (!tabular) fail(spec.id, " has no step function for devices");
  const TabularMdp& mdp = tabular->task().mdp;
  table_ = mdp.table();
  for (const TabularMdp::Start& start : mdp.starts()) {
    start_states_.push_back(start.state);
    start_probabilities_.push_back(start.probability);
  }
  const auto inputs = static_cast<std::size_t>(view_.inputs);
  observations_.resize(static_cast<std::size_t>(mdp.num_states()) * inputs);
  for (std::int32_t s = 0; s < mdp.num_states(); ++s)
    tabular->observe_state(std::span(observations_).subspan(static_cast<std::size_t>(s) * inputs, inputs), s);
  for (std::int32_t i = 0; i < table_.first[table_.num_states * table_.num_actions]; ++i)
    largest_reward_ = std::max(largest_reward_, std::abs(table_.outcomes[i].reward));
  view_.table = &table_;
  view_.start_states = start_states_;
  view_.start_probabilities = start_probabilities_;
  view_.observations = observations_;
}

std::string agent_run_unsupported_reason(const TrainConfig& config) {
  if (!config.replay) return "replay is false";
  if (config.normalize_observation) return "observations are normalised, with statistics that the host keeps";
  if (config.observation_scale != 1) return "observation_scale is not 1: the host scales observations";
  if (config.env.frame_stack > 1) return "frame_stack is above 1: the host assembles stacks";
  if (config.on_nan == OnNan::kSkip) return "on_nan is skip: its agents stop";
  const std::string of_options = fused_unsupported_reason(learner_options(config, nullptr));
  if (!of_options.empty()) return of_options;
  const std::unique_ptr<Env> env = make_env(config.env);
  const EnvSpec& spec = env->spec();
  if (!as_continuous(*env) && !as_tabular(*env)) return spec.id + " has no step function for devices";
  const double largest = AgentEnvData(config.env).largest_reward() * config.reward_scale;
  if (config.reward_clip == 0 && !(largest <= double(std::numeric_limits<float>::max())))
    return "rewards times reward_scale are beyond the range of floats";
  DenseChain chain;
  return fused_unsupported_reason(chain, q_network(config, spec));
}

AgentRun agent_run(const TrainConfig& config, const AgentEnvData& env, const Network& network) {
  AgentRun run;
  const std::string unknown = describe_dense_chain(run.shape.chain, network);
  if (!unknown.empty()) fail("a network that no agent kernel supports: ", unknown);
  const FusedDqnOptions learner = DqnUpdate::fused_options(learner_options(config, nullptr));
  AgentShape& shape = run.shape;
  shape.parameters = network.layout().size();
  shape.learner = learner;
  shape.num_envs = config.num_envs;
  shape.slots = replay_slots(config) / config.num_envs * config.num_envs;
  shape.n_step = config.n_step;
  shape.prioritized = config.prioritized;
  shape.eval_lanes =
      std::max({config.eval_episodes, config.solve_confirm_episodes, config.final_eval_episodes});
  shape.eval_points = evaluations_of(config);

  const std::uint64_t eval_seed = config.eval_seed;
  const Schedule learning_rate = learning_rate_schedule(config), beta = beta_schedule(config);
  run.settings = {.seed = config.seed,
                  .eval_seed = eval_seed != 0 ? eval_seed : derived_seed(config.seed, 0),
                  .final_eval_seed = derived_seed(eval_seed != 0 ? eval_seed : config.seed, 1),
                  .total_timesteps = config.total_timesteps,
                  .learning_starts = config.learning_starts,
                  .train_frequency = config.train_frequency,
                  .gradient_steps = config.gradient_steps,
                  .target_network_frequency = config.target_network_frequency,
                  .eval_frequency = config.eval_frequency,
                  .eval_episodes = config.eval_episodes,
                  .solve_confirm_episodes = config.solve_confirm_episodes,
                  .final_eval_episodes = config.final_eval_episodes,
                  .epsilon = numbers(exploration_schedule(config)),
                  .learning_rate = numbers(learning_rate),
                  .beta = numbers(beta),
                  .learner = learner,
                  .gamma = config.gamma,
                  .reward_scale = config.reward_scale,
                  .reward_clip = config.reward_clip,
                  .eval_epsilon = config.eval_epsilon,
                  .solved_return = solved_return(config, env.spec()),
                  .priorities = {.alpha = config.per_alpha, .epsilon = config.per_epsilon},
                  .tau = static_cast<float>(config.tau),
                  .keep_best = config.keep_best,
                  .stop_when_solved = config.stop_when_solved};
  return run;
}

std::vector<float> initial_parameters(const TrainConfig& config, const Network& network) {
  CpuBackend backend(1);
  const DqnParameters parameters(backend, network, learner_options(config, nullptr));
  std::vector<float> values(static_cast<std::size_t>(network.layout().size()));
  parameters.get(values);
  return values;
}

}  // namespace bellman
