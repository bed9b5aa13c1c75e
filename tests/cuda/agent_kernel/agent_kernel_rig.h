// Whole agents on a device, and the runs of Trainer that they are compared with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/nn/device_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/population/agent_run.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {

/// Short, with evaluations, a solved return and confirmations.
inline TrainConfig evaluated_training() {
  TrainConfig config = short_training();
  config.total_timesteps = 300;
  config.buffer_size = 70;
  config.train_frequency = 3;
  config.batch_size = 18;
  config.exploration_fraction = 0.5;
  config.eval_frequency = 100;
  config.eval_episodes = 3;
  config.final_eval_episodes = 5;
  config.eval_epsilon = 0.1;
  config.solved_return = 9;  // CartPole's first evaluations reach it: confirmations are played
  config.solve_confirm_episodes = 4;
  return config;
}

/// On FrozenLake, with nearly every setting off its default.
inline TrainConfig with_everything() {
  TrainConfig config = evaluated_training();
  config.env.id = "FrozenLake-v1";
  config.network = "dense 12, relu";
  config.prioritized = true;
  config.double_dqn = true;
  config.dueling = true;
  config.n_step = 3;
  config.num_envs = 3;
  config.gradient_steps = 2;
  config.max_grad_norm = 1;
  config.loss = LossKind::kHuber;
  config.anneal_learning_rate = true;
  config.tau = 0.5;
  config.reward_scale = 3;
  config.reward_clip = 2;
  config.solved_return = 0.0;
  config.exploration_schedule = ExplorationSchedule::kExponential;
  config.exploration_decay = 0.99;
  return config;
}

/// Result of a run, of either side.
struct Outcome {
  std::vector<AgentEpisode> episodes;
  std::vector<AgentEvaluation> curve;  // timestep and mean
  std::vector<float> parameters;       // kept
  AgentEvaluation eval;
  Index gradient_updates = 0, solved_at_timestep = -1, model_timestep = 0, timestep = 0;
};

/// Op by op on the definition.
inline Outcome train_op_by_op(TrainConfig config) {
  config.learner = LearnerKind::kOpByOp;
  ReferenceBackend<float> backend;
  Trainer trainer(config, backend);
  RecordingSink sink;
  trainer.add_sink(sink);
  const TrainResult result = trainer.run();
  Outcome outcome;
  for (const EpisodeRecord& e : sink.episodes)
    outcome.episodes.push_back({e.episode_return, e.length, e.timestep});
  const std::vector<double> means = sink.column("eval/mean_reward");
  for (std::size_t i = 0; i < means.size(); ++i)
    if (!std::isnan(means[i]))
      outcome.curve.push_back({.timestep = static_cast<double>(sink.row_timesteps[i]), .mean = means[i]});
  outcome.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  outcome.eval = {.mean = result.eval.mean,
                  .std = result.eval.std,
                  .min = result.eval.min,
                  .max = result.eval.max,
                  .mean_length = result.eval.mean_length,
                  .episodes = static_cast<double>(result.eval.episodes)};
  outcome.gradient_updates = result.gradient_updates;
  outcome.solved_at_timestep = result.solved_at_timestep.value_or(-1);
  outcome.model_timestep = result.model_timestep;
  outcome.timestep = result.timesteps;
  return outcome;
}

/// Agents of one shape in places of a device.
class AgentKernelRig {
 public:
  AgentKernelRig(DeviceBackend& device, const TrainConfig& config, Index places)
      : env_(config.env), network_(q_network(config, env_.spec())) {
    REQUIRE(agent_run_unsupported_reason(config) == "");
    const AgentRun run = agent_run(config, env_, network_);
    REQUIRE(device.agent_kernel_ops()->agent_kernel_unsupported_reason(run.shape, env_.view()) == "");
    agents_ = device.agent_kernel_ops()->make_agent_kernel(run.shape, env_.view(), places);
    status_.resize(static_cast<std::size_t>(places));
  }

  AgentKernel& agents() { return *agents_; }
  void start(Index place, const TrainConfig& config) {
    agents_->start(place, agent_run(config, env_, network_).settings, initial_parameters(config, network_));
  }
  const AgentStatus& status(Index place) {
    agents_->read(status_);
    return status_[static_cast<std::size_t>(place)];
  }
  /// Advances `ticks` a launch until the agent there has finished. Fails the test when it does not.
  void finish(Index place, Index ticks) {
    for (int launches = 0; status(place).phase == AgentStatus::Phase::kRunning; ++launches) {
      REQUIRE(launches < 100'000);
      agents_->advance(ticks);
    }
    REQUIRE(status(place).phase == AgentStatus::Phase::kFinished);
  }
  std::vector<std::byte> state(Index place) {
    std::vector<std::byte> state(agents_->state_bytes());
    agents_->save(place, state);
    return state;
  }
  Outcome outcome(Index place) {
    const AgentStatus& s = status(place);
    Outcome outcome;
    outcome.episodes = agents_->episodes(place);
    outcome.curve = agents_->curve(place, 0, s.evaluations);
    outcome.parameters.resize(static_cast<std::size_t>(network_.layout().size()));
    agents_->kept_parameters(place, outcome.parameters);
    outcome.eval = s.final_evaluation;
    outcome.gradient_updates = s.gradient_updates;
    outcome.solved_at_timestep = s.solved_at_timestep;
    outcome.model_timestep = s.model_timestep;
    outcome.timestep = s.timestep;
    return outcome;
  }

 private:
  AgentEnvData env_;
  Network network_;
  std::unique_ptr<AgentKernel> agents_;
  std::vector<AgentStatus> status_;
};

}  // namespace bellman::test
