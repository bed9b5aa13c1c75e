// A run that was saved and resumed by another trainer ends with the bits of the run that never
// stopped.
#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/run_pieces.h"
#include "tests/support/backends.h"
#include "tests/support/error_message.h"
#include "tests/support/training/meddled_env.h"

namespace bellman {
namespace {

using test::check_same;
using test::keep;
using test::run;
using test::RunEnd;
using test::state_of;
using test::training_to_resume;

/// The whole run; then, from each of its checkpoints, the rest of it.
void check_resumes(const TrainConfig& config, Backend& backend, const TrainerParts& parts = {}) {
  std::vector<TensorFile> states;
  std::vector<test::RecordingSink> told;
  Trainer trainer(config, backend, parts);
  test::RecordingSink sink;
  trainer.add_sink(sink);
  trainer.set_checkpoint_hook(150, [&](Index) {
    states.push_back(state_of(trainer));
    told.push_back(sink);
  });
  trainer.run();
  RunEnd whole;
  keep(whole, states.back(), sink);
  REQUIRE(states.size() >= 3);
  for (std::size_t i = 0; i + 1 < states.size(); ++i) {
    CAPTURE(i);
    check_same(whole, run(config, backend, parts, &states[i], nullptr, &told[i]));
  }
}

TEST_CASE("a run resumes to the same bits: uniform replay, the best network kept") {
  CpuBackend backend;
  check_resumes(training_to_resume(), backend);
}

TEST_CASE("a run resumes to the same bits: priorities, n-step, Double, dueling, several environments") {
  TrainConfig config = training_to_resume();
  config.prioritized = config.double_dqn = config.dueling = true;
  config.n_step = 3;
  config.num_envs = 3;
  config.max_grad_norm = 1;
  config.tau = 0.5;
  CpuBackend backend(2);
  check_resumes(config, backend);
}

TEST_CASE("a run resumes to the same bits: normalised observations, and RMSprop with all its moments") {
  TrainConfig config = training_to_resume();
  config.normalize_observation = true;
  config.optimizer = OptimizerKind::kRmsProp;
  config.rmsprop_centered = true;
  config.momentum = 0.5;
  ReferenceBackend<float> backend;
  check_resumes(config, backend);
}

TEST_CASE("a run resumes to the same bits: a gridworld, bytes, no replay") {
  TrainConfig config = training_to_resume();
  config.env.id = "FrozenLake-v1";
  ReferenceBackend<float> backend;
  check_resumes(config, backend);
  config.replay = false;
  config.n_step = 2;
  check_resumes(config, backend);
}

TEST_CASE("a run resumes to the same bits: stacks of frames, whose ring was overwritten many times") {
  for (const char* const id : {"CartPole-v1", "FrozenLake-v1"}) {
    TrainConfig config = training_to_resume();
    config.env.id = id;
    config.env.frame_stack = 4;
    config.num_envs = 2;
    config.n_step = 3;
    config.buffer_size = 60;
    config.prioritized = config.double_dqn = true;
    CpuBackend backend;
    check_resumes(config, backend);
  }
}

TEST_CASE("a run resumes to the same bits with its replay in a device's memory") {
  for (const bool prioritized : {false, true}) {
    TrainConfig config = training_to_resume();
    config.prioritized = prioritized;
    config.n_step = 2;
    config.num_envs = 2;
    ReferenceBackend<float> backend;
    HostReplayOps ops;
    check_resumes(config, backend, {.replay_ops = &ops});
    for (const std::unique_ptr<DeviceBackend>& device : test::device_backends())
      for (const LearnerKind learner : {LearnerKind::kOpByOp, LearnerKind::kFused}) {
        config.learner = learner;
        check_resumes(config, *device,
                      {.replay_ops = &device->replay_ops(), .fused_dqn_ops = device->fused_dqn_ops()});
      }
  }
}

TEST_CASE("a run that is resumed after its end has the rows of one of that length from the start") {
  TrainConfig config = training_to_resume();
  config.start_e = config.end_e = 0.2;  // no schedule depends on how long it is to be
  for (const Index log_frequency : {100, 70}) {
    config.log_frequency = log_frequency;
    CpuBackend backend;
    config.total_timesteps = 500;
    const RunEnd whole = run(config, backend, {}, nullptr, nullptr);

    config.total_timesteps = 300;
    Trainer first(config, backend);
    test::RecordingSink sink, before;
    first.add_sink(sink);
    TensorFile end;
    first.set_checkpoint_hook(0, [&](Index) {
      end = state_of(first);
      before = sink;
    });
    first.run();
    CHECK(sink.row_timesteps.back() == 300);
    CHECK(sink.rows.size() == before.rows.size() + 1);

    config.total_timesteps = 500;
    check_same(whole, run(config, backend, {}, &end, nullptr, &before));
  }
}

TEST_CASE("a run whose end is moved to where it stands has one row of that step") {
  TrainConfig config = training_to_resume();
  config.eval_frequency = 120;
  for (const Index log_frequency : {150, 100, 70}) {
    CAPTURE(log_frequency);
    config.log_frequency = log_frequency;
    config.total_timesteps = 500;
    CpuBackend backend;
    Trainer whole(config, backend);
    test::RecordingSink sink;
    whole.add_sink(sink);
    TensorFile there;
    whole.set_checkpoint_hook(300, [&](Index timestep) {
      if (timestep != 300) return;
      there = state_of(whole);
      test::RecordingSink rest = sink;
      TrainConfig shorter = config;
      shorter.total_timesteps = 300;
      Trainer trainer(shorter, backend);
      trainer.add_sink(rest);
      trainer.load(StateReader(there, "the checkpoint"));
      CHECK(trainer.run().model_timestep <= 300);
      CHECK(rest.row_timesteps.back() == 300);
      CHECK(std::ranges::adjacent_find(rest.row_timesteps, std::greater_equal()) == rest.row_timesteps.end());
    });
    whole.run();
    REQUIRE_FALSE(there.tensors.empty());
  }
}

TEST_CASE("a run that was stopped within an evaluation has the checkpoints of one that was not") {
  TrainConfig config = training_to_resume();
  config.eval_frequency = 150;  // a checkpoint is due where it is stopped
  CpuBackend backend;
  std::vector<TensorFile> whole, rest;
  run(config, backend, {}, nullptr, &whole);

  std::atomic<bool> stop = false;
  test::Meddling stops_at_150;
  stops_at_150.with_step = [&](Index instance, Index step, StepResult&) {
    if (instance > 0 && step == 3) stop = true;  // an environment of the evaluator's
  };
  Trainer stopped(config, backend, {test::meddled_env(config.env, stops_at_150), {}});
  TensorFile cut;
  stopped.set_checkpoint_hook(150, [&](Index) { cut = state_of(stopped); });
  CHECK(stopped.run(&stop).timesteps == 150);
  REQUIRE(StateReader(cut, "F").count("trainer.evaluation_is_due") == 1);

  run(config, backend, {}, &cut, &rest);
  REQUIRE(rest.size() == whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    RunEnd a, b;
    keep(a, whole[i], {});
    keep(b, rest[i], {});
    check_same(a, b);
  }
}

TEST_CASE("a state of another run's settings is refused by name, and so is one that misses something") {
  CpuBackend backend;
  std::vector<TensorFile> states;
  run(training_to_resume(), backend, {}, nullptr, &states);
  const auto refusal = [&](const TrainConfig& config, const TensorFile& state) {
    Trainer trainer(config, backend);
    return test::error_message([&] { trainer.load(StateReader(state, "F")); });
  };
  CHECK(refusal(training_to_resume(), states[0]) == "no error");
  TrainConfig other = training_to_resume();
  other.buffer_size = 60;
  CHECK(refusal(other, states[0]) != "no error");
  other = training_to_resume();
  other.network = "dense 13, relu, dense 8, tanh";
  CHECK(refusal(other, states[0]).starts_with("F: network.online has "));
  other = training_to_resume();
  other.prioritized = true;
  CHECK(refusal(other, states[0]) == "F: there is no tensor sampler.weights");
  for (std::size_t i = 0; i < states[0].tensors.size(); ++i) {
    TensorFile damaged = states[0];
    const std::string name = damaged.tensors[i].name;
    damaged.tensors.erase(damaged.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string message = refusal(training_to_resume(), damaged);
    CHECK(message.find(name) != std::string::npos);
  }
}

}  // namespace
}  // namespace bellman
