// A setting reaches its part: each is off its default and compared with what the part does with that value.
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "rl/learn/epsilon_greedy.h"
#include "rl/population/agent_run.h"
#include "rl/train/from_config.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {
namespace {

/// Numbers that nothing has by default.
TrainConfig off_defaults() {
  TrainConfig config = short_training();
  config.seed = 77;
  config.learning_rate = 2e-3;
  config.anneal_learning_rate = true;
  config.optimizer_epsilon = 3e-4;
  config.weight_decay = 0.02;
  config.max_grad_norm = 3;
  config.gamma = 0.9;
  config.n_step = 2;
  config.loss = LossKind::kHuber;
  config.huber_delta = 0.7;
  config.double_dqn = true;
  config.tau = 0.6;
  config.prioritized = true;
  config.per_alpha = 0.3;
  config.per_epsilon = 0.05;
  config.per_beta_start = 0.1;
  config.per_beta_end = 0.7;
  config.start_e = 0.9;
  config.end_e = 0.2;
  config.exploration_fraction = 0.3;
  config.reward_scale = 0.5;
  config.reward_clip = 0.4;
  config.eval_frequency = 100;
  config.eval_episodes = 3;
  config.final_eval_episodes = 4;
  config.eval_epsilon = 0.15;
  config.eval_seed = 78;
  config.initialiser = Initialiser::kOrthogonal;
  return config;
}

TEST_CASE("each optimiser gets every option that is its own") {
  TrainConfig config = off_defaults();
  config.momentum = 0.25;
  config.rmsprop_alpha = 0.8;
  config.rmsprop_centered = true;
  config.rmsprop_epsilon_in_root = true;
  for (const OptimizerKind kind : {OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    config.optimizer = kind;
    const auto adam = std::get<AdamOptions>(optimizer_options(config));
    CHECK(adam.epsilon == 3e-4);
    CHECK(adam.weight_decay == 0.02);
    CHECK(adam.decoupled == (kind == OptimizerKind::kAdamW));
  }
  config.optimizer = OptimizerKind::kRmsProp;
  const auto rmsprop = std::get<RmsPropOptions>(optimizer_options(config));
  CHECK(rmsprop.alpha == 0.8);
  CHECK(rmsprop.epsilon == 3e-4);
  CHECK(rmsprop.epsilon_in_root);
  CHECK(rmsprop.momentum == 0.25);
  CHECK(rmsprop.weight_decay == 0.02);
  CHECK(rmsprop.centered);
  config.optimizer = OptimizerKind::kSgd;
  const auto sgd = std::get<SgdOptions>(optimizer_options(config));
  CHECK(sgd.momentum == 0.25);
  CHECK(sgd.weight_decay == 0.02);
}

TEST_CASE("a sampler gets seed, exponent and floor") {
  TrainConfig config = off_defaults();
  constexpr Index kSlots = 16;
  const auto draws = [&](Sampler& sampler) {
    for (Index slot = 0; slot < kSlots; ++slot) sampler.on_add(slot);
    std::vector<Index> slots(5);  // of three neighbours each
    std::vector<float> weights(5);
    sampler.sample(5, slots, weights);
    return slots;
  };
  const auto prioritized = make_sampler(config, kSlots);
  PrioritizedSampler expected(kSlots, 77, {.alpha = 0.3, .epsilon = 0.05}), other(kSlots, 1, {.alpha = 0.3});
  CHECK(draws(*prioritized) == draws(expected));
  CHECK(draws(other) != draws(*make_sampler(config, kSlots)));
  // p = |TD error| + epsilon, drawn in proportion to p^alpha.
  const std::vector<Index> two = {3, 4};
  const std::vector<float> errors = {0.0F, 1.0F};
  prioritized->on_td_error(two, errors);
  const auto& sampler = dynamic_cast<const PrioritizedSampler&>(*prioritized);
  CHECK(sampler.probability(4) / sampler.probability(3) == doctest::Approx(std::pow(1.05 / 0.05, 0.3)));

  config.prioritized = false;
  UniformSampler uniform(kSlots, 77);
  CHECK(draws(*make_sampler(config, kSlots)) == draws(uniform));
}

TEST_CASE("schedules get their ends") {
  TrainConfig config = off_defaults();
  config.total_timesteps = 1000;
  CHECK(value_at(beta_schedule(config), 0) == 0.1);
  CHECK(value_at(beta_schedule(config), 500) == doctest::Approx(0.4));
  CHECK(value_at(beta_schedule(config), 1000) == 0.7);
  CHECK(value_at(learning_rate_schedule(config), 0) == 2e-3);
  CHECK(value_at(learning_rate_schedule(config), 500) == doctest::Approx(1e-3));
  CHECK(value_at(learning_rate_schedule(config), 1000) == 0);
  CHECK(value_at(exploration_schedule(config), 0) == 0.9);
  CHECK(value_at(exploration_schedule(config), 150) == doctest::Approx(0.55));
  CHECK(value_at(exploration_schedule(config), 300) == 0.2);
}

/// What an environment of a run was seeded with, and what was done in it.
struct Seen {
  std::set<std::pair<Purpose, std::uint64_t>> seeds;
  std::vector<int> training_actions;
};

TEST_CASE("the seed reaches environments, exploration and evaluations; so does a seed of evaluations' own") {
  for (const std::uint64_t eval_seed : {std::uint64_t{0}, std::uint64_t{78}}) {
    CAPTURE(eval_seed);
    Seen seen;
    TrainConfig config = bare_config(40);
    config.seed = 77;
    config.eval_seed = eval_seed;
    config.eval_frequency = 20;
    config.eval_episodes = 1;
    config.start_e = config.end_e = 1;
    RecordedRun run(scripted_env(3, [&seen](const RandomStream& stream, Index t, int action) {
      seen.seeds.emplace(stream.purpose, stream.seed);
      if (stream.purpose == Purpose::kEnvironment) seen.training_actions.push_back(action);
      return StepResult{.reward = 0, .terminated = t == 5, .truncated = false};
    }));
    run.run(config);
    const std::uint64_t base = eval_seed != 0 ? eval_seed : 77;
    CHECK(seen.seeds == std::set<std::pair<Purpose, std::uint64_t>>{
                            {Purpose::kEnvironment, 77},
                            {Purpose::kEvaluation, eval_seed != 0 ? eval_seed : derived_seed(77, 0)},
                            {Purpose::kEvaluation, derived_seed(base, 1)}});
    REQUIRE(seen.training_actions.size() == 40);
    for (std::uint64_t round = 0; round < 40; ++round) {
      std::int32_t action = 0;
      explore({&action, 1}, {.seed = 77, .round = round, .epsilon = 1}, 3);
      CHECK(seen.training_actions[static_cast<std::size_t>(round)] == action);
    }
  }
}

/// The kept parameters of a run with its replay in the host's memory (null) or the backend's.
std::vector<float> parameters_of(const TrainConfig& config, ReplayOps* ops) {
  ReferenceBackend<float> backend;
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = {}, .replay_ops = ops});
  trainer.run();
  return {trainer.kept_parameters().begin(), trainer.kept_parameters().end()};
}

TEST_CASE("all of them reach a replay in the backend's memory, too: the bits are those of the host's") {
  for (const OptimizerKind optimizer :
       {OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kRmsProp, OptimizerKind::kSgd}) {
    CAPTURE(static_cast<int>(optimizer));
    TrainConfig config = off_defaults();
    config.optimizer = optimizer;
    config.momentum = 0.25;
    config.rmsprop_alpha = 0.8;
    config.rmsprop_centered = config.rmsprop_epsilon_in_root = true;
    HostReplayOps ops;
    const std::vector<float> host = parameters_of(config, nullptr);
    CHECK(parameters_of(config, &ops) == host);
    config.seed = 1;
    CHECK(parameters_of(config, &ops) != host);
  }
}

TEST_CASE("all of them reach an agent that is whole on a device") {
  TrainConfig config = off_defaults();
  config.num_envs = 2;
  config.train_frequency = 3;
  config.gradient_steps = 4;
  config.target_network_frequency = 6;
  config.solve_confirm_episodes = 7;
  config.solved_return = 11;
  config.keep_best = false;
  config.stop_when_solved = true;
  const AgentEnvData env(config.env);
  const AgentRun run = agent_run(config, env, q_network(config, env.spec()));
  const AgentSettings& s = run.settings;
  CHECK(s.seed == 77);
  CHECK(s.eval_seed == 78);
  CHECK(s.final_eval_seed == derived_seed(78, 1));
  CHECK(s.total_timesteps == config.total_timesteps);
  CHECK(s.learning_starts == config.learning_starts);
  CHECK(s.train_frequency == 3);
  CHECK(s.gradient_steps == 4);
  CHECK(s.target_network_frequency == 6);
  CHECK(s.eval_frequency == 100);
  CHECK(s.eval_episodes == 3);
  CHECK(s.solve_confirm_episodes == 7);
  CHECK(s.final_eval_episodes == 4);
  CHECK(s.epsilon.start == 0.9);
  CHECK(s.epsilon.end == 0.2);
  CHECK(s.learning_rate.start == 2e-3);
  CHECK(s.learning_rate.end == 0);
  CHECK(s.beta.start == 0.1);
  CHECK(s.beta.end == 0.7);
  CHECK(s.gamma == 0.9);
  CHECK(s.reward_scale == 0.5);
  CHECK(s.reward_clip == 0.4);
  CHECK(s.eval_epsilon == 0.15);
  CHECK(s.solved_return == 11);
  CHECK(s.priorities.alpha == 0.3);
  CHECK(s.priorities.epsilon == 0.05);
  CHECK(s.tau == 0.6F);
  CHECK(!s.keep_best);
  CHECK(s.stop_when_solved);
  CHECK(s.learner.batch == config.batch_size);
  CHECK(s.learner.double_dqn);
  CHECK(s.learner.loss == LossKind::kHuber);
  CHECK(s.learner.huber_delta == 0.7);
  CHECK(s.learner.max_grad_norm == 3);
  CHECK(s.learner.adam.epsilon == 3e-4);
  CHECK(s.learner.adam.weight_decay == 0.02);
  CHECK(run.shape.num_envs == 2);
  CHECK(run.shape.n_step == 2);
  CHECK(run.shape.prioritized);
}

}  // namespace
}  // namespace bellman::test
