#include "rl/train/collector.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/numeric.h"
#include "core/base/text.h"

namespace bellman {
namespace {

/// Of observations of `features` numbers; null where the network sees them as they are. A scale is a mean of 0 and a
/// variance that never change.
std::unique_ptr<RunningNormalizer> make_normalizer(const TrainConfig& config, Index features) {
  if (!config.normalize_observation && config.observation_scale == 1) return nullptr;
  auto normalizer = std::make_unique<RunningNormalizer>(features);
  if (config.normalize_observation) return normalizer;
  const auto size = static_cast<std::size_t>(features);
  const double deviation = 1 / config.observation_scale;
  const std::vector<double> mean(size, 0.0),
      square(size, std::max(0.0, deviation * deviation - RunningNormalizer::kEpsilon));
  normalizer->set_state({.count = 1, .mean = mean, .sum_of_squared_differences = square});
  return normalizer;
}

}  // namespace

Collector::Collector(const TrainConfig& config, const EnvFactory& make_env, Lockstep* lockstep)
    : config_(config),
      envs_(make_env, config.num_envs, config.seed, lockstep ? lockstep->envs() : RankShare{}),
      normalizer_(make_normalizer(config, spec().observation_shape.elements())),
      lockstep_(lockstep),
      actions_(static_cast<std::size_t>(envs_.here().count)),
      steps_(static_cast<std::size_t>(config.num_envs)) {}

void Collector::begin_episodes(Agent& agent, const RunCounts& counts) {
  for (Index e = 0; e < envs_.size(); ++e) begin_episode(agent, counts, e);
}

void Collector::restart_episodes(Agent& agent, const RunCounts& counts) {
  for (Index e = 0; e < envs_.size(); ++e) restart_episode(agent, counts, e);
}

void Collector::step(Agent& agent, RunLog& log, RunCounts& counts, double epsilon) {
  step_environments(agent, log, counts, epsilon);
  ++counts.rounds;
  for (Index e = 0; e < envs_.size(); ++e) {
    const auto& [outcome, action, is_finite] = steps_[static_cast<std::size_t>(e)];
    ++counts.timestep;
    if (outcome.began) {
      require_finite(counts, e, "first observation of an episode");
      agent.restart_episode(e, observation(e));
      continue;
    }
    const float reward = learning_reward(outcome.reward);
    if (!is_finite || !std::isfinite(reward)) {
      skip_step(agent, counts, e, outcome.reward);
      continue;
    }
    agent.add(e, action, reward, outcome.terminated, outcome.truncated, observation(e));
    if (outcome.terminated || outcome.truncated) {
      log.clock().lap(Phase::kEnvironments);
      log.episode(envs_.episode_return(e), envs_.episode_length(e), counts.timestep);
      log.clock().lap(Phase::kRecords);
      begin_episode(agent, counts, e);
    }
  }
  log.clock().lap(Phase::kEnvironments);
}

/// Acts and steps here, and tells the other ranks.
void Collector::step_environments(Agent& agent, RunLog& log, const RunCounts& counts, double epsilon) {
  const RankShare& here = envs_.here();
  agent.act(actions_, envs_.observations(),
            {.seed = config_.seed,
             .round = static_cast<std::uint64_t>(counts.rounds),
             .epsilon = epsilon,
             .first_env = static_cast<std::uint32_t>(here.first)});
  log.clock().lap(Phase::kActing);
  envs_.step(actions_);
  for (Index e = here.first; e < here.end(); ++e) {
    const StepResult& result = envs_.result(e);
    const bool is_finite = result.began || (std::isfinite(result.reward) && all_finite(envs_.observation(e)));
    steps_[static_cast<std::size_t>(e)] = {result, actions_[static_cast<std::size_t>(e - here.first)],
                                           is_finite};
  }
  if (!lockstep_) return;
  lockstep_->share_steps(steps_);
  for (Index e = 0; e < envs_.size(); ++e)
    if (!here.has(e)) envs_.set_result(e, steps_[static_cast<std::size_t>(e)].result);
}

void Collector::begin_episode(Agent& agent, const RunCounts& counts, Index e) {
  envs_.reset(e);
  require_finite(counts, e, "first observation of an episode");
  agent.begin_episode(e, observation(e));
}

/// The episode of environment e ends with its last step, and another begins.
void Collector::restart_episode(Agent& agent, const RunCounts& counts, Index e) {
  envs_.reset(e);
  require_finite(counts, e, "first observation of an episode");
  agent.restart_episode(e, observation(e));
}

/// Environment e made a step whose reward or observation is not finite: nothing of it is learnt from, and the
/// episode ends with the step before.
void Collector::skip_step(Agent& agent, RunCounts& counts, Index e, float reward) {
  if (config_.on_nan == OnNan::kStop) {
    require_finite(counts, e, "observation");
    fail("environment ", e, " (", spec().id, "), step ", envs_.episode_length(e),
         " of its episode, at environment step ", counts.timestep, ": the reward is ", shown(reward),
         ", times reward_scale ", shown(learning_reward(reward)));
  }
  ++counts.skipped_steps;
  restart_episode(agent, counts, e);
}

/// Throws: Error for the present observation of environment e.
void Collector::require_finite(const RunCounts& counts, Index e, const char* what) const {
  const std::span<const float> seen = envs_.observation(e);
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!std::isfinite(seen[i]))
      fail("environment ", e, " (", spec().id, "), step ", envs_.episode_length(e),
           " of its episode, at environment step ", counts.timestep, ": element ", i, " of the ", what,
           " is ", shown(seen[i]));
}

/// The present observation of environment e. The running statistics see every observation once.
std::span<const float> Collector::observation(Index e) {
  if (config_.normalize_observation)
    normalizer_->update(envs_.observation(e));  // with one rank: all are here
  return envs_.observation(e);
}

/// Scaled, then clipped: what is learnt from. Returns that are reported are of raw rewards.
float Collector::learning_reward(float reward) const {
  const double scaled = config_.reward_scale * static_cast<double>(reward);
  if (config_.reward_clip == 0) return static_cast<float>(scaled);
  return static_cast<float>(std::clamp(scaled, -config_.reward_clip, config_.reward_clip));
}

void Collector::save(StateWriter& out) const {
  envs_.save(out);
  if (normalizer_) normalizer_->save(out);
}

void Collector::load(const StateReader& in) {
  envs_.load(in);
  if (normalizer_) normalizer_->load(in);
}

}  // namespace bellman
