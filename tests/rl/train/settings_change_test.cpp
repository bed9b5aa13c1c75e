#include "rl/train/settings_change.h"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"
#include "tests/support/error_message.h"
#include "tests/support/training/tiny_run.h"

namespace bellman::test {
namespace {

TrainConfig config_of(const std::string& env_id) {
  TrainConfig config = tiny_run();
  config.env.id = env_id;
  config.prioritized = true;
  config.solved_return = 0;
  return config;
}

TensorFile state_of(const TrainConfig& config) {
  CpuBackend backend;
  Trainer trainer(config, backend);
  TensorFile file;
  trainer.set_checkpoint_hook(40, [&](Index) {
    if (!file.tensors.empty()) return;
    StateWriter out(file);
    trainer.save(out);
  });
  trainer.run();
  return file;
}

std::vector<std::string> changed_by(const TrainConfig& from, const TrainConfig& to) {
  const TensorFile before = state_of(from);
  TensorFile after = before;
  change_settings(after, from, to);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < before.tensors.size(); ++i)
    if (before.tensors[i].bytes != after.tensors[i].bytes) names.push_back(before.tensors[i].name);
  CpuBackend backend;
  Trainer trainer(to, backend);
  CHECK(error_message([&] { trainer.load(StateReader(after, "F")); }) == "no error");
  trainer.run();
  return names;
}

using Names = std::vector<std::string>;
const Names kBest = {"kept.timestep", "kept.eval_mean", "kept.parameters"};
const Names kSolved = {"trainer.solved_at_timestep", "time.to_solve"};

TEST_CASE("a change of settings forgets what was decided by the old ones, and nothing else") {
  const TrainConfig from = config_of("CartPole-v1");
  TrainConfig to = from;
  to.gamma = 0.5;
  to.learning_rate = 0.1;
  to.eval_episodes = 7;
  to.total_timesteps = 99;
  CHECK(changed_by(from, to).empty());
  to.keep_best = false;
  CHECK(changed_by(from, to) == kBest);
  to = from;
  to.solved_return = 400;
  CHECK(changed_by(from, to) == kSolved);
  to = from;
  to.solve_confirm_episodes = 3;
  CHECK(changed_by(from, to) == kSolved);
  to = from;
  to.eval_epsilon = 0.1;
  CHECK(changed_by(from, to).size() == kBest.size() + kSolved.size());
}

TEST_CASE("another task begins episodes that draw on from where the environments were") {
  for (const Index num_envs : {1, 8}) {
    TrainConfig from = config_of("CartPole-v1");
    from.num_envs = num_envs;
    TrainConfig to = from;
    to.env.id = "CartPole-v0";
    TensorFile state = state_of(from);
    const auto before = StateReader(state, "").get<double>("env.0");
    change_settings(state, from, to);
    const auto after = StateReader(state, "").get<double>("env.0");
    REQUIRE(after.size() == before.size());
    CHECK(after[after.size() - 1] == 0);  // no episode runs
    CHECK(after[after.size() - 3] == 0);
    CHECK(after[after.size() - 2] == before[before.size() - 2]);
    CHECK(StateReader(state, "").count("trainer.episodes_are_due") == 1);
    CpuBackend backend;
    Trainer trainer(to, backend);
    trainer.load(StateReader(state, "F"));
    CHECK(trainer.run().timesteps == to.total_timesteps);
  }
}

TEST_CASE("a task with other observations or actions is refused") {
  const TrainConfig from = config_of("CartPole-v1");
  TensorFile state = state_of(from);
  TrainConfig to = from;
  to.env.id = "CliffWalking-v1";
  CHECK(contains(error_message([&] { change_settings(state, from, to); }),
                 "the environment has observations (48) and 4 actions, that of the run (4) and 2"));
}

TEST_CASE("per_alpha: the tree's leaves are p^alpha of the same priorities p") {
  for (const double from_alpha : {0.3, 0.6, 1.0})
    for (const double to_alpha : {0.0, 0.25, 0.6, 1.0}) {
      CAPTURE(from_alpha);
      CAPTURE(to_alpha);
      TrainConfig from = config_of("CartPole-v1");
      from.per_alpha = from_alpha;
      TrainConfig to = from;
      to.per_alpha = to_alpha;
      TensorFile state = state_of(from);
      const auto before = StateReader(state, "").get<double>("sampler.weights");
      change_settings(state, from, to);
      const auto after = StateReader(state, "").get<double>("sampler.weights");
      int filled = 0;
      for (std::size_t i = 0; i < before.size(); ++i) {
        const double expected = before[i] == 0 ? 0 : std::pow(std::pow(before[i], 1 / from_alpha), to_alpha);
        CHECK(!(std::abs(after[i] - expected) > 1e-12 * expected));
        filled += before[i] > 0;
      }
      CHECK(filled > 5);
      CpuBackend backend;
      Trainer trainer(to, backend);
      CHECK(error_message([&] { trainer.load(StateReader(state, "F")); }) == "no error");
    }
  TrainConfig from = config_of("CartPole-v1");
  from.per_alpha = 0;
  TensorFile state = state_of(from);
  TrainConfig to = from;
  to.per_alpha = 0.5;
  CHECK(contains(error_message([&] { change_settings(state, from, to); }), "per_alpha was 0"));
}

TEST_CASE("a state that no run saves is refused, whatever the change") {
  const TrainConfig from = config_of("CartPole-v1");
  TrainConfig to = from;
  to.env.id = "CartPole-v0";
  to.per_alpha = 0.5;
  const TensorFile state = state_of(from);
  for (std::size_t i = 0; i < state.tensors.size(); ++i)
    for (const bool is_there : {true, false}) {
      TensorFile damaged = state;
      if (is_there) {
        damaged.tensors[i].bytes.clear();
        damaged.tensors[i].shape = {0};
      } else {
        damaged.tensors.erase(damaged.tensors.begin() + static_cast<std::ptrdiff_t>(i));
      }
      const std::string message = error_message([&] {
        change_settings(damaged, from, to);
        CpuBackend backend;
        Trainer trainer(to, backend);
        trainer.load(StateReader(damaged, "F"));
      });
      const std::string& name = state.tensors[i].name;
      const bool any_length = name == "kept.parameters" || name == "kept.mean" || name == "kept.variance" ||
                              name == "log.returns" || name == "log.lengths" || name == "log.evaluation";
      CHECK_MESSAGE((message != "no error" || (is_there && any_length)), name);
    }
}

}  // namespace
}  // namespace bellman::test
