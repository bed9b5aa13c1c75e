// Training with the fused step on a device, against training op by op on the definition's backend.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "rl/learn/agent.h"
#include "rl/train/trainer.h"
#include "tests/cuda/fused/fused_dqn_rig.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/error_message.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {
namespace {

TrainConfig fused_training() {
  TrainConfig config = short_training();
  config.start_e = 1;  // all actions are random: rounding changes no batch
  config.end_e = 1;
  config.learner = LearnerKind::kFused;
  return config;
}

struct Outcome {
  std::vector<float> parameters;
  std::vector<double> losses;
};

Outcome train(const TrainConfig& config, Backend& backend, const TrainerParts& parts) {
  Trainer trainer(config, backend, parts);
  RecordingSink sink;
  trainer.add_sink(sink);
  trainer.run();
  const std::span<const float> parameters = trainer.kept_parameters();
  return {{parameters.begin(), parameters.end()}, sink.column("train/loss")};
}

void check_same_training(const TrainConfig& config) {
  ReferenceBackend<float> reference;
  HostReplayOps ops;
  TrainConfig plain = config;
  plain.learner = LearnerKind::kOpByOp;
  const Outcome expected = train(plain, reference, {.replay_ops = &ops});
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    const TrainerParts parts = {.replay_ops = &device->replay_ops(),
                                .fused_dqn_ops = device->fused_dqn_ops()};
    const Outcome actual = train(config, *device, parts);
    // 230 steps of Adam, each off by gamma(100 roundings) of a learning rate of 1e-3.
    const double bound = 230 * 1e-3 * rounding_bound<float>(100);
    check_close<float, float>(actual.parameters, expected.parameters, bound);
    check_close<double, double>(std::span(actual.losses).subspan(1), std::span(expected.losses).subspan(1),
                                100 * bound);
    CHECK(train(config, *device, parts).parameters == actual.parameters);
  }
}

TEST_CASE("training with the fused step: uniform sampling") { check_same_training(fused_training()); }

TEST_CASE("training with the fused step: priorities, n-step returns, Double, dueling, clipping") {
  TrainConfig config = fused_training();
  config.prioritized = true;
  config.n_step = 3;
  config.double_dqn = true;
  config.dueling = true;
  config.max_grad_norm = 1;
  config.num_envs = 2;
  check_same_training(config);
}

TEST_CASE("training with the fused step: several gradient steps at once, with priorities and without") {
  TrainConfig config = fused_training();
  config.gradient_steps = 5;
  config.train_frequency = 10;
  check_same_training(config);
  config.prioritized = true;
  check_same_training(config);
}

LearnerOptions learner_of_batch(Index batch) {
  LearnerOptions options;
  options.max_batch = batch;
  return options;
}

/// Ten learn steps from the same experience.
struct TenSteps {
  explicit TenSteps(DeviceBackend& device)
      : network("dense 8, relu, dense 2", {1}),
        agent(device_agent(device, device.replay_ops(), network, ReplayRing(32, 1, 1, 0.9),
                           learner_of_batch(6), {.seed = 3, .most_steps = 4}, device.fused_dqn_ops())) {
    const auto observation = [](int t) { return static_cast<float>(t % 7) / 7; };
    const float initial = observation(0);
    agent.begin_episode(0, {&initial, 1});
    for (int t = 1; t < 30; ++t) {
      const float seen = observation(t);
      agent.add(0, t % 2, observation(3 * t), false, false, {&seen, 1});
    }
  }
  std::vector<float> parameters() {
    std::vector<float> values(static_cast<std::size_t>(network.layout().size()));
    agent.get_parameters(values);
    return values;
  }
  Network network;
  Agent agent;
};

TEST_CASE("learn steps at once are those one after the other, to the bit") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    const Agent::LearnStep first = {.number = 5, .timestep = 30, .learning_rate = 0.01F};
    TenSteps at_once(*device), one_by_one(*device);
    CHECK(at_once.agent.learn_steps(first, 10) == 10);  // in launches of 4, 4 and 2
    Agent::LearnStep step = first;
    for (int i = 0; i < 10; ++i, ++step.number) CHECK(one_by_one.agent.learn(step));
    CHECK(at_once.parameters() == one_by_one.parameters());
    CHECK(at_once.agent.last_loss() == one_by_one.agent.last_loss());
    CHECK(at_once.agent.take_summary().loss == one_by_one.agent.take_summary().loss);
  }
}

TEST_CASE("what the fused step cannot train is refused with the reason") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    const auto refusal = [&](const TrainConfig& config) {
      return error_message([&] {
        Trainer(config, *device,
                {.replay_ops = &device->replay_ops(), .fused_dqn_ops = device->fused_dqn_ops()});
      });
    };
    TrainConfig config = fused_training();
    config.optimizer = OptimizerKind::kSgd;
    CHECK(refusal(config) == "learner is fused, which cannot train this: its optimizers are adam and adamw");
    config = fused_training();
    config.network = "dense 300, relu, dense 300, relu";
    CHECK(refusal(config).starts_with("learner is fused, which cannot train this: it needs "));
    config.network = "dense 8, sigmoid";
    CHECK(refusal(config) ==
          "learner is fused, which cannot train this: it knows dense layers, each followed by relu, tanh or "
          "nothing, and a dueling head, but layer 1 is `sigmoid`");
  }
}

}  // namespace
}  // namespace bellman::test
