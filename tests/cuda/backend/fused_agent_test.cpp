// Training with the fused step on a device, against training op by op on the definition's backend.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "core/reference/replay_ops.h"
#include "rl/resident_agent.h"
#include "rl/trainer.h"
#include "tests/cuda/backend/fused_dqn_rig.h"
#include "tests/rl/recorded_run.h"
#include "tests/support/error_message.h"
#include "tests/support/short_training.h"

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
          "nothing, and a dueling head, but layer 2 is `sigmoid`");
  }
}

}  // namespace
}  // namespace bellman::test
