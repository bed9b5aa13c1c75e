// observation_scale: the network sees observations times a factor, and the replay keeps them as they are.
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "rl/population/agent_run.h"
#include "rl/train/from_config.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/error_message.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {
namespace {

/// CartPole that shows half of each number.
class HalvedEnv final : public Env {
 public:
  const EnvSpec& spec() const override { return env_->spec(); }
  void seed(const RandomStream& stream) override { env_->seed(stream); }
  void reset() override { env_->reset(); }
  StepResult step(int action) override { return env_->step(action); }
  void observe(std::span<float> out) const override {
    env_->observe(out);
    for (float& x : out) x *= 0.5F;
  }
  std::vector<double> state() const override { return env_->state(); }
  void set_state(std::span<const double> state) override { env_->set_state(state); }
  void set_physical_state(std::span<const double> values) override { env_->set_physical_state(values); }

 private:
  std::unique_ptr<Env> env_ = make_env({});
};

struct ScaledRun {
  std::vector<float> parameters;
  std::vector<double> losses, variance;
};

ScaledRun scaled_run(const TrainConfig& config, const TrainerParts& parts = {}) {
  CpuBackend backend;
  Trainer trainer(config, backend, parts);
  RecordingSink sink;
  trainer.add_sink(sink);
  trainer.run();
  return {{trainer.kept_parameters().begin(), trainer.kept_parameters().end()},
          sink.column("train/loss"),
          {trainer.observation_variance().begin(), trainer.observation_variance().end()}};
}

TEST_CASE("a network with observation_scale learns what it would from an environment of that scale") {
  for (const LearnerKind learner : {LearnerKind::kFused, LearnerKind::kOpByOp}) {
    TrainConfig config = short_training();
    config.learner = learner;
    config.eval_frequency = 100;
    const ScaledRun halved = scaled_run(config, {.make_env = [] { return std::make_unique<HalvedEnv>(); }});
    config.observation_scale = 0.5;
    const ScaledRun scaled = scaled_run(config);
    CHECK(scaled.parameters == halved.parameters);
    CHECK(scaled.losses == halved.losses);
    CHECK(scaled.losses.size() >= 4);
    REQUIRE(scaled.variance.size() == 4);
    for (const double v : scaled.variance) CHECK(v == doctest::Approx(4).epsilon(1e-8));
  }
}

TEST_CASE("what the host has to scale is neither in a device's replay nor in a population") {
  TrainConfig config = short_training();
  HostReplayOps ops;
  CHECK(uses_device_replay(config, {.replay_ops = &ops}));
  config.observation_scale = 0.5;
  CHECK_FALSE(uses_device_replay(config, {.replay_ops = &ops}));
  CHECK(contains(agent_run_unsupported_reason(config), "observation_scale is not 1"));
  config.observation_scale = 1001;
  CHECK(
      contains(error_message([&] { config.validate(); }), "observation_scale is 1001, must be at most 1000"));
}

}  // namespace
}  // namespace bellman::test
