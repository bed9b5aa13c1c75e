// DQN whose network is a table (one-hot observations, one linear layer) is tabular Q-learning: it must find
// the Q* that value iteration computes.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/toy_text.h"
#include "envs/grid/value_iteration.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

GridTask lake(bool slippery) {
  const std::vector<std::string> rows = {"SFF", "FHF", "FFG"};
  return frozen_lake_task(rows, {.slippery = slippery});
}

EnvFactory lake_env(bool slippery) {
  return [slippery] {
    return std::make_unique<TabularEnv>("Lake-v0", lake(slippery), parse_grid_observation("one_hot"), 30);
  };
}

/// Acts at random throughout: what is learned is the greedy policy's values all the same (off-policy).
TrainConfig table_config() {
  TrainConfig config;
  config.network = "";
  config.initialiser = Initialiser::kHe;
  config.optimizer = OptimizerKind::kSgd;
  config.learning_rate = 2;  // of the batch's mean: a table entry moves by lr times its share of the batch
  config.gamma = 0.9;
  config.start_e = config.end_e = 1;
  config.total_timesteps = 8'000;
  config.learning_starts = 100;
  config.train_frequency = 1;
  config.batch_size = 32;
  config.target_network_frequency = 50;
  config.eval_frequency = 0;
  config.final_eval_episodes = 100;
  return config;
}

/// Q(s,a) of a linear network on one-hot observations: w(A,S) and b(A).
double learned_q(const Trainer& trainer, std::int32_t s, std::int32_t a) {
  const ArenaLayout& layout = trainer.network().layout();
  const auto values = trainer.kept_parameters();
  const ArenaLayout::Entry& w = layout.find("0.weight");
  const ArenaLayout::Entry& b = layout.find("0.bias");
  return static_cast<double>(values[static_cast<std::size_t>(w.offset + a * w.shape[1] + s)]) +
         static_cast<double>(values[static_cast<std::size_t>(b.offset + a)]);
}

double largest_error(const Trainer& trainer, const GridTask& task, double gamma) {
  const TabularValues optimum = value_iteration(task.mdp, gamma);
  double largest = 0;
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s)
    for (std::int32_t a = 0; a < task.mdp.num_actions() && task.mdp.playable(s); ++a) {
      const double expected = optimum.q[static_cast<std::size_t>(s * task.mdp.num_actions() + a)];
      largest = std::max(largest, std::abs(learned_q(trainer, s, a) - expected));
    }
  return largest;
}

TEST_CASE("on a deterministic lake every Q(s,a) becomes that of value iteration") {
  for (const bool double_dqn : {false, true}) {
    TrainConfig config = table_config();
    config.double_dqn = double_dqn;
    ReferenceBackend<float> backend;
    Trainer trainer(config, backend, {.make_env = lake_env(false), .make_learner = {}});
    const TrainResult result = trainer.run();
    CHECK(largest_error(trainer, lake(false), config.gamma) < 1e-3);
    CHECK(result.eval.mean == 1);  // the greedy policy always arrives
  }
}

TEST_CASE("prioritised, with soft targets and four environments: the same Q*") {
  TrainConfig config = table_config();
  config.prioritized = true;
  config.tau = 0.05;
  config.target_network_frequency = 1;
  config.num_envs = 4;
  ReferenceBackend<float> backend;
  Trainer trainer(config, backend, {.make_env = lake_env(false), .make_learner = {}});
  trainer.run();
  CHECK(largest_error(trainer, lake(false), config.gamma) < 1e-3);
}

TEST_CASE("on a slippery lake with a falling learning rate, up to the noise of what was seen") {
  TrainConfig config = table_config();
  config.total_timesteps = 40'000;
  config.buffer_size = 50'000;
  config.train_frequency = 2;
  config.learning_rate = 1;
  config.anneal_learning_rate = true;
  ReferenceBackend<float> backend;
  Trainer trainer(config, backend, {.make_env = lake_env(true), .make_learner = {}});
  trainer.run();
  // Acting at random leads to the cells beside the goal a few hundred times an action: the shares of what
  // followed are within 0.1 of the probabilities, 1/3, and so the values.
  const GridTask task = lake(true);
  CHECK(largest_error(trainer, task, config.gamma) < 0.1);
  std::vector<double> q;
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s)
    for (std::int32_t a = 0; a < task.mdp.num_actions(); ++a) q.push_back(learned_q(trainer, s, a));
  const TabularValues achieved = evaluate_policy(task.mdp, greedy_policy(task.mdp, q), config.gamma);
  const TabularValues optimum = value_iteration(task.mdp, config.gamma);
  CHECK(start_value(task.mdp, achieved.v) == doctest::Approx(start_value(task.mdp, optimum.v)).epsilon(0.01));
}

}  // namespace
}  // namespace bellman
