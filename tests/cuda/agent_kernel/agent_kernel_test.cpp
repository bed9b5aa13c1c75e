// Whole agents on a device: each one's run is the one that Trainer makes op by op, and it is the same to the
// bit whatever runs beside it, however often the host looks, and after it was saved and loaded.
#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "envs/control/continuous_env.h"
#include "tests/cuda/agent_kernel/agent_kernel_rig.h"
#include "tests/cuda/fused/fused_dqn_rig.h"
#include "tests/support/compare.h"
#include "tests/support/error_message.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {
namespace {

TrainConfig evaluated_training() {
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

TrainConfig with_everything() {
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

TEST_CASE("a saved agent whose environment is beyond its bounds is refused") {
  // Of CartPole any number below 1e30 can be; no other task has wider bounds.
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const ContinuousEntry& entry : continuous_entries()) {
      CAPTURE(entry.entry.id);
      TrainConfig config = evaluated_training();
      config.env.id = entry.entry.id;
      AgentKernelRig rig(*device, config, 1);
      rig.start(0, config);
      rig.agents().advance(5);
      const std::vector<std::byte> whole = rig.state(0);
      for (const AgentArray& array : rig.agents().arrays()) {
        if (array.name != "envs.physical" && array.name != "eval.physical") continue;
        std::vector<std::byte> far = whole;
        const double value = -1e200;
        std::memcpy(&far[array.begin], &value, sizeof value);
        CHECK(contains(error_message([&] { rig.agents().load(0, far); }), "is -1e+200, must be from "));
      }
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

/// With priorities and without.
std::vector<TrainConfig> two_kinds() {
  TrainConfig config = with_everything();
  config.total_timesteps = 90;
  config.eval_frequency = 40;
  TrainConfig uniform = config;
  uniform.prioritized = false;
  uniform.env.id = "CartPole-v1";  // whose first states are drawn, too
  return {config, uniform};
}

/// f(device, configuration) for each device and kind.
template <class F>
void for_each_agent(F f) {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const TrainConfig& config : two_kinds()) f(*device, config);
}

/// The names of the arrays in which two states differ.
std::string difference(const AgentKernel& agents, const std::vector<std::byte>& a,
                       const std::vector<std::byte>& b) {
  std::string names;
  const std::vector<AgentArray>& arrays = agents.arrays();
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::size_t end = i + 1 < arrays.size() ? arrays[i + 1].begin : a.size();
    if (std::memcmp(a.data() + arrays[i].begin, b.data() + arrays[i].begin, end - arrays[i].begin) != 0)
      names += arrays[i].name + " ";
  }
  return names;
}

TEST_CASE("an agent is the same to the bit whatever runs beside it, and however launches are cut") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig alone(device, config, 1);
    alone.start(0, config);
    alone.finish(0, 1000);
    const std::vector<std::byte> expected = alone.state(0);

    AgentKernelRig beside(device, config, 3);
    TrainConfig other = config;
    other.seed = 2;
    other.learning_rate = 3e-3;
    other.total_timesteps = 60;
    beside.start(0, other);
    beside.start(2, config);
    beside.finish(2, 7);
    CHECK(difference(beside.agents(), beside.state(2), expected) == "");
    beside.finish(0, 7);
    CHECK(difference(beside.agents(), beside.state(0), expected) != "");
    CHECK(beside.status(1).phase == AgentStatus::Phase::kIdle);
  });
}

// Little work, for racecheck (scripts/gpu/steps.py), which follows every access.
TEST_CASE("sixty ticks are the same to the bit in one launch and in many") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig once(device, config, 1), often(device, config, 1);
    once.start(0, config);
    often.start(0, config);
    once.agents().advance(60);
    for (int i = 0; i < 6; ++i) often.agents().advance(10);
    CHECK(once.status(0).gradient_updates > 0);
    CHECK(difference(once.agents(), once.state(0), often.state(0)) == "");
  });
}

TEST_CASE("an agent that is saved and loaded, in another place, goes on to the same bits") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig first(device, config, 1);
    first.start(0, config);
    std::vector<std::vector<std::byte>> states;
    while (first.status(0).phase == AgentStatus::Phase::kRunning) {
      first.agents().advance(9);
      states.push_back(first.state(0));
    }
    REQUIRE(states.size() > 4);
    for (const std::size_t i : {std::size_t{0}, states.size() / 2, states.size() - 2}) {
      AgentKernelRig second(device, config, 2);
      second.start(1, config);
      second.agents().load(1, states[i]);
      second.finish(1, 5);
      CHECK(difference(second.agents(), second.state(1), states.back()) == "");
    }
  });
}

TEST_CASE("an agent's ticks say which moment it is at: after as many the state is the same to the bit") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig first(device, config, 1), second(device, config, 1);
    first.start(0, config);
    second.start(0, config);
    CHECK(first.agents().status_of(first.state(0)).ticks == 0);
    Index ticks = 0;
    // Rounds, and in the middle of evaluations.
    for (const Index more : {Index{1}, Index{13}, Index{20}, Index{31}}) {
      ticks += more;
      first.agents().advance(more);
      while (second.status(0).ticks < ticks)
        second.agents().advance(std::min<Index>(7, ticks - second.status(0).ticks));
      const std::vector<std::byte> state = first.state(0);
      REQUIRE(first.status(0).phase == AgentStatus::Phase::kRunning);
      CHECK(first.agents().status_of(state).ticks == ticks);
      CHECK(first.agents().status_of(state).timestep == first.status(0).timestep);
      CHECK(difference(first.agents(), state, second.state(0)) == "");
    }
    first.finish(0, 1000);
    second.finish(0, 1);
    CHECK(first.status(0).ticks == second.status(0).ticks);  // none after the end
  });
}

/// Arrays that index others, or that a run would go wrong with.
const std::set<std::string>& looked_up_by() {
  static const std::set<std::string> names = {"control",
                                              "envs.physical",
                                              "eval.physical",
                                              "eval.ends",
                                              "replay.heads",
                                              "replay.pending",
                                              "replay.kinds",
                                              "replay.actions",
                                              "replay.next_slots",
                                              "replay.observations",
                                              "sampler.nodes",
                                              "sampler.slots",
                                              "sampler.places",
                                              "online",
                                              "target",
                                              "optimizer.m",
                                              "optimizer.v",
                                              "kept.parameters"};
  return names;
}

TEST_CASE("a saved agent with an index or a number that none can have is refused by its name") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig rig(device, config, 1);
    rig.start(0, config);
    rig.agents().advance(25);
    const std::vector<std::byte> whole = rig.state(0);
    rig.agents().load(0, whole);
    int checked = 0;
    for (const AgentArray& array : rig.agents().arrays()) {
      if (looked_up_by().count(array.name) == 0) continue;
      ++checked;
      CAPTURE(array.name);
      std::vector<std::byte> damaged = whole;  // NaN, or an index far out
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(array.begin), 4, std::byte{0xfe});
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(array.begin) + 4, 4, std::byte{0xff});
      CHECK(error_message([&] { rig.agents().load(0, damaged); }).starts_with("a saved agent: "));
    }
    CHECK(checked == (config.prioritized ? 16 : 17));  // of each sampler's arrays those that it has
    CHECK(rig.state(0) == whole);
  });
}

TEST_CASE("a number that goes wrong stops its agent alone, and is told") {
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
  const auto obstacle = [](TrainConfig c, auto change) {
    change(c);
    return agent_run_unsupported_reason(c);
  };
  CHECK(agent_run_unsupported_reason(config) == "");
  CHECK(obstacle(config, [](TrainConfig& c) { c.replay = false; }) == "replay is false");
  CHECK(obstacle(config, [](TrainConfig& c) { c.normalize_observation = true; }) ==
        "observations are normalised, with statistics that the host keeps");
  CHECK(obstacle(config, [](TrainConfig& c) { c.optimizer = OptimizerKind::kSgd; }) ==
        "its optimizers are adam and adamw");
  CHECK(obstacle(config, [](TrainConfig& c) { c.munchausen = true; }) ==
        "its targets are those of DQN and Double DQN, and munchausen is true");
  CHECK(obstacle(config, [](TrainConfig& c) { c.on_nan = OnNan::kSkip; }) ==
        "on_nan is skip: its agents stop");
  CHECK(obstacle(config, [](TrainConfig& c) { c.reward_scale = 1e39; }) ==
        "rewards times reward_scale are beyond the range of floats");
  CHECK(obstacle(config, [](TrainConfig& c) {
          c.network = "dense 4, sigmoid";
        }).ends_with("but layer 2 is `sigmoid`"));
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
