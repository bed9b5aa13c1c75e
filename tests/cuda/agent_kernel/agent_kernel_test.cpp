// Whole agents on a device: each run equals the run of a Trainer that works op by op, up to rounding.
#include <algorithm>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "envs/control/continuous_env.h"
#include "tests/cuda/agent_kernel/agent_kernel_rig.h"
#include "tests/cuda/fused/fused_dqn_rig.h"
#include "tests/support/compare.h"

namespace bellman::test {
namespace {

/// Rounding must not have flipped a choice of these runs; then all counts and choices are the same, and
/// parameters are off by the roundings of each Adam step.
void check_same_run(const Outcome& actual, const Outcome& expected, const TrainConfig& config) {
  CHECK(actual.timestep == expected.timestep);
  CHECK(actual.gradient_updates == expected.gradient_updates);
  CHECK(actual.solved_at_timestep == expected.solved_at_timestep);
  CHECK(actual.model_timestep == expected.model_timestep);
  const std::size_t episodes = std::min<std::size_t>(expected.episodes.size(), AgentKernel::kEpisodesKept);
  REQUIRE(actual.episodes.size() == episodes);
  for (std::size_t i = 0; i < episodes; ++i) {
    const AgentEpisode& e = expected.episodes[expected.episodes.size() - episodes + i];
    CHECK(actual.episodes[i].episode_return == e.episode_return);
    CHECK(actual.episodes[i].length == e.length);
    CHECK(actual.episodes[i].timestep == e.timestep);
  }
  REQUIRE(actual.curve.size() == expected.curve.size());
  for (std::size_t i = 0; i < actual.curve.size(); ++i) {
    CHECK(actual.curve[i].timestep == expected.curve[i].timestep);
    CHECK(actual.curve[i].mean == expected.curve[i].mean);
  }
  CHECK(actual.eval.mean == expected.eval.mean);
  CHECK(actual.eval.std == expected.eval.std);
  CHECK(actual.eval.min == expected.eval.min);
  CHECK(actual.eval.max == expected.eval.max);
  CHECK(actual.eval.mean_length == expected.eval.mean_length);
  CHECK(actual.eval.episodes == expected.eval.episodes);
  // Each step of Adam off by gamma(100 roundings) of a learning rate.
  const double bound =
      static_cast<double>(expected.gradient_updates) * config.learning_rate * rounding_bound<float>(100);
  check_close<float, float>(actual.parameters, expected.parameters, bound);
}

void check_as_trainer(const TrainConfig& config, Index ticks) {
  const Outcome expected = train_op_by_op(config);
  CHECK(expected.gradient_updates > 0);
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    AgentKernelRig rig(*device, config, 1);
    rig.start(0, config);
    rig.finish(0, ticks);
    check_same_run(rig.outcome(0), expected, config);
  }
}

TEST_CASE("an agent kernel's run is Trainer's: uniform sampling") {
  TrainConfig config = evaluated_training();
  config.keep_best = false;  // the last parameters, which all learn steps have made
  check_as_trainer(config, 50);
}

TEST_CASE("an agent kernel's run is Trainer's: priorities, Double, dueling, n-step, environments, clipping") {
  check_as_trainer(with_everything(), 64);
}

TEST_CASE("an agent kernel's run is Trainer's: whatever its settings choose") {
  TrainConfig config = evaluated_training();
  SUBCASE("no target network, the last parameters are kept, Sutton and Barto's reward, n-step") {
    config.target_network = false;
    config.keep_best = false;
    config.env.sutton_barto_reward = true;
    config.n_step = 2;
    config.eval_frequency = 0;
  }
  SUBCASE("it stops when it is solved; more environments than rows of a batch") {
    config.stop_when_solved = true;
    config.num_envs = 10;
    config.buffer_size = 200;
    config.batch_size = 6;
    config.eval_frequency = 50;
  }
  SUBCASE("a map of coordinates, in which nothing ends but by time; the whole replay's lane is a window") {
    config.env.id = "CliffWalking-v1";
    config.env.observation = "coordinates";
    config.env.max_episode_steps = 17;
    config.n_step = 4;
    config.num_envs = 2;
    config.buffer_size = 10;
    config.prioritized = true;
    config.batch_size = 3;
    config.solved_return = -1e9;
    config.keep_best = false;  // after the falls, whose errors set the largest priority
  }
  SUBCASE("evaluations that are due in the middle of a round; learning begins at the very step") {
    config.total_timesteps = 90;
    config.num_envs = 8;
    config.buffer_size = 160;
    config.learning_starts = 48;
    config.eval_frequency = 43;
    config.keep_best = false;
  }
  SUBCASE("several evaluations are due in a round") {
    config.total_timesteps = 60;
    config.num_envs = 7;
    config.buffer_size = 140;
    config.eval_frequency = 3;
    config.eval_episodes = 1;
    config.solve_confirm_episodes = 0;
  }
  SUBCASE("batches of several pieces, drawn by priority") {
    config.total_timesteps = 120;
    config.buffer_size = 110;
    config.batch_size = 150;
    config.train_frequency = 20;
    config.prioritized = true;
    config.per_beta_start = 0.9;
    config.eval_frequency = 0;
    config.keep_best = false;
  }
  SUBCASE("schedules of which every step matters") {
    config.total_timesteps = 100;
    config.learning_starts = 48;
    config.prioritized = true;
    config.per_beta_start = 0.2;
    config.anneal_learning_rate = true;
    config.start_e = 0;
    config.end_e = 1;
    config.exploration_fraction = 0.5;
    config.keep_best = false;
  }
  SUBCASE("several gradient steps at a time, of batches that are drawn uniformly") {
    config.gradient_steps = 5;
    config.train_frequency = 20;
    config.keep_best = false;
  }
  SUBCASE("planes; several starts; a walk without end is cut") {
    config.env.id = "FourRooms-v0";
    config.env.observation = "planes";
    config.network = "flatten, dense 16, relu";
    config.total_timesteps = 60;
    config.eval_frequency = 0;
    config.final_eval_episodes = 2;
    config.env.max_episode_steps = 30;
  }
  check_as_trainer(config, 40);
}

TEST_CASE("an agent kernel's run is Trainer's: every continuous task") {
  for (const ContinuousEntry& entry : continuous_entries()) {
    CAPTURE(entry.entry.id);
    TrainConfig config = evaluated_training();
    config.env.id = entry.entry.id;
    config.env.max_episode_steps = 40;
    config.num_envs = 3;
    config.total_timesteps = 150;
    config.solved_return = -39;  // under a limit of 40 reached now and then
    config.keep_best = false;
    check_as_trainer(config, 60);
  }
}

/// A network of one layer that sees which cell it is in: a Q-value is a weight plus a bias, so that with
/// gamma 1 TD errors have no rounding that depends on an order; and parameters that learn steps leave as they
/// are.
TrainConfig exact_errors() {
  TrainConfig config = with_everything();
  config.network = "";
  config.dueling = false;
  config.n_step = 1;
  config.gamma = 1;
  config.learning_rate = 1e-30;
  config.keep_best = false;
  return config;
}

TEST_CASE("an agent kernel's priorities are Trainer's to the bit, and so is what is drawn by them") {
  const TrainConfig config = exact_errors();
  TrainConfig plain = config;
  plain.learner = LearnerKind::kOpByOp;
  ReferenceBackend<float> backend;
  Trainer trainer(plain, backend);
  TensorFile file;
  trainer.set_checkpoint_hook(0, [&](Index) {
    StateWriter out(file);
    trainer.save(out);
  });
  trainer.run();
  const FileTensor* const expected = file.find("sampler.weights");
  REQUIRE(expected);
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    AgentKernelRig rig(*device, config, 1);
    rig.start(0, config);
    rig.finish(0, 100);
    const std::vector<AgentArray>& arrays = rig.agents().arrays();
    const auto nodes =
        std::find_if(arrays.begin(), arrays.end(), [](const auto& a) { return a.name == "sampler.nodes"; });
    REQUIRE(nodes != arrays.end());
    const std::vector<std::byte> state = rig.state(0);
    const std::byte* const leaves = state.data() + nodes->begin + nodes->elements / 2 * sizeof(double);
    CHECK(std::memcmp(leaves, expected->bytes.data(), expected->bytes.size()) == 0);
  }
}

TEST_CASE("a non-finite number stops its agent alone, and is reported") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    TrainConfig config = evaluated_training();
    config.total_timesteps = 60;
    config.eval_frequency = 0;
    TrainConfig bad = config;
    bad.learning_rate = 1e30;
    AgentKernelRig rig(*device, config, 2);
    rig.start(0, bad);
    rig.start(1, config);
    rig.finish(1, 30);
    const AgentStatus status = rig.status(0);
    CHECK(status.phase == AgentStatus::Phase::kFailed);
    CHECK(status.report[kNumber] >= 1);
    CHECK(status.report[kNumber] == static_cast<double>(status.gradient_updates));
    CHECK(status.timestep < 60);
  }
}

TEST_CASE("what the agent kernel cannot do is refused with the reason") {
  TrainConfig config = evaluated_training();
  const auto unsupported = [](TrainConfig c, auto change) {
    change(c);
    return agent_run_unsupported_reason(c);
  };
  CHECK(agent_run_unsupported_reason(config) == "");
  CHECK(unsupported(config, [](TrainConfig& c) { c.replay = false; }) == "replay is false");
  CHECK(unsupported(config, [](TrainConfig& c) { c.normalize_observation = true; }) ==
        "observations are normalised, with statistics that the host keeps");
  CHECK(unsupported(config, [](TrainConfig& c) { c.optimizer = OptimizerKind::kSgd; }) ==
        "its optimizers are adam and adamw");
  CHECK(unsupported(config, [](TrainConfig& c) { c.munchausen = true; }) ==
        "its targets are those of DQN and Double DQN, and munchausen is true");
  CHECK(unsupported(config, [](TrainConfig& c) { c.on_nan = OnNan::kSkip; }) ==
        "on_nan is skip: its agents stop");
  CHECK(unsupported(config, [](TrainConfig& c) { c.reward_scale = 1e39; }) ==
        "rewards times reward_scale are beyond the range of floats");
  CHECK(unsupported(config, [](TrainConfig& c) {
          c.network = "dense 4, sigmoid";
        }).ends_with("but layer 1 is `sigmoid`"));
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    config.network = "dense 300, relu, dense 300, relu";
    const AgentEnvData env(config.env);
    const AgentRun run = agent_run(config, env, q_network(config, env.spec()));
    CHECK(device->agent_kernel_ops()
              ->agent_kernel_unsupported_reason(run.shape, env.view())
              .starts_with("it needs "));
  }
}

}  // namespace
}  // namespace bellman::test
