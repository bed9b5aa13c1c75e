// A round that ends, or is saved, between two of its gradient steps.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/learner_around.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/run_pieces.h"
#include "tests/support/backends.h"
#include "tests/support/training/meddled_env.h"

namespace bellman {
namespace {

using test::check_same;
using test::keep;
using test::run;
using test::RunEnd;
using test::state_of;
using test::training_to_resume;

/// Calls `before` with the number of each learn step, from 1, before it is made.
class CountedLearner final : public LearnerAround {
 public:
  CountedLearner(Backend& backend, const Network& network, const LearnerOptions& options, Index& made,
                 std::function<void(Index number)> before)
      : LearnerAround(std::make_unique<OpByOpLearner>(backend, network, options)),
        made_(made),
        before_(std::move(before)) {}
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    before_(++made_);
    return inner().learn(batch, learning_rate, td_error);
  }

 private:
  Index& made_;
  std::function<void(Index number)> before_;
};

/// The parts of a run whose gradient steps are counted in `made`; `before` is called before each.
TrainerParts counted_steps(Backend& backend, Index& made, std::function<void(Index number)> before) {
  return {.make_learner = [&backend, &made, before = std::move(before)](const Network& network,
                                                                        const LearnerOptions& options) {
    return std::make_unique<CountedLearner>(backend, network, options, made, before);
  }};
}

/// Phases of five gradient steps.
TrainConfig training_in_phases(Index num_envs, bool prioritized) {
  TrainConfig config = training_to_resume();
  config.total_timesteps = 120;
  config.num_envs = num_envs;
  config.prioritized = prioritized;
  config.gradient_steps = 5;
  config.eval_frequency = 40;
  return config;
}

TEST_CASE("a run that is stopped between any two gradient steps resumes to the same bits") {
  for (const Index num_envs : {1, 3}) {
    CAPTURE(num_envs);
    const TrainConfig config = training_in_phases(num_envs, num_envs == 3);
    CpuBackend backend;
    Index all = 0, within = 0;
    const RunEnd whole = run(config, backend, counted_steps(backend, all, [](Index) {}), nullptr, nullptr);
    REQUIRE(all > 100);
    for (const Index apart : {1, 7, 38}) {  // a stop every so many gradient steps
      CAPTURE(apart);
      Index made = 0;
      TensorFile state;
      test::RecordingSink sink;
      bool is_stopped = true;
      for (int runs = 0; is_stopped; ++runs) {
        REQUIRE(runs <= all);
        std::atomic<bool> stop = false;
        const Index first = made;
        Trainer trainer(config, backend,
                        counted_steps(backend, made, [&](Index n) { stop = n - first >= apart; }));
        if (runs > 0) trainer.load(StateReader(state, "the checkpoint"));
        test::RecordingSink before;
        trainer.add_sink(sink);
        trainer.set_checkpoint_hook(0, [&](Index) {
          state = state_of(trainer);
          before = sink;
        });
        is_stopped = trainer.run(&stop).interrupted;
        if (is_stopped) sink = before;  // as logs are cut back to a checkpoint
        if (is_stopped && StateReader(state, "").count("trainer.phase_steps") > 0) ++within;
      }
      CHECK(made == all);
      RunEnd pieces;
      keep(pieces, state, sink);
      check_same(whole, pieces);
    }
    CHECK(within > 20);
  }
}

TEST_CASE("a stop ends a training phase that would take for ever, wherever the replay lies") {
  ReferenceBackend<float> reference;
  CpuBackend cpu;
  HostReplayOps ops;
  const auto check = [](Backend& backend, const TrainerParts& parts, LearnerKind learner) {
    TrainConfig config = training_in_phases(2, false);
    config.learner = learner;
    config.gradient_steps = 300;
    config.total_timesteps = 48;
    const RunEnd whole = run(config, backend, parts, nullptr, nullptr);

    std::atomic<bool> stop = false;
    test::Meddling meddling;
    meddling.with_step = [&](Index instance, Index step, StepResult&) {
      if (instance == 1 && step == 23) stop = true;  // the round of steps 45 and 46
    };
    TrainerParts stopping = parts;
    stopping.make_env = test::meddled_env(config.env, meddling);
    Trainer stopped(config, backend, stopping);
    test::RecordingSink sink, before;
    TensorFile cut;
    stopped.add_sink(sink);
    stopped.set_checkpoint_hook(0, [&](Index) {
      cut = state_of(stopped);
      before = sink;
    });
    const TrainResult result = stopped.run(&stop);
    CHECK(result.interrupted);
    CHECK(result.timesteps == 46);
    const Index made = StateReader(cut, "").count("trainer.phase_steps");
    CHECK(made > 0);
    CHECK(made < 300);
    CHECK(StateReader(cut, "").count("trainer.learnt_timestep") == 45);
    check_same(whole, run(config, backend, parts, &cut, nullptr, &before));
  };
  check(cpu, {}, LearnerKind::kOpByOp);
  check(cpu, {}, LearnerKind::kFused);
  check(reference, {.replay_ops = &ops}, LearnerKind::kOpByOp);
  for (const std::unique_ptr<DeviceBackend>& device : test::device_backends())
    check(*device, {.replay_ops = &device->replay_ops(), .fused_dqn_ops = device->fused_dqn_ops()},
          LearnerKind::kFused);
}

TEST_CASE("checkpoints by time change no bit, and a run resumes from each, also from one within a phase") {
  const TrainConfig config = training_in_phases(1, true);
  CpuBackend backend;
  Index made = 0;
  const RunEnd whole = run(config, backend, counted_steps(backend, made, [](Index) {}), nullptr, nullptr);

  std::vector<TensorFile> states;
  std::vector<test::RecordingSink> sinks;
  test::RecordingSink sink;
  made = 0;
  // Longer than the tenth of a second after which the clock is looked at: in the middle of a phase, at its
  // first and last gradient step.
  const auto wait = [](Index n) {
    if (n == 33 || n == 41 || n == 50) std::this_thread::sleep_for(std::chrono::milliseconds(120));
  };
  Trainer trainer(config, backend, counted_steps(backend, made, wait));
  trainer.add_sink(sink);
  trainer.set_checkpoint_hook(
      0,
      [&](Index) {
        states.push_back(state_of(trainer));
        sinks.push_back(sink);
      },
      [] { return true; });
  trainer.run();
  RunEnd timed;
  keep(timed, states.back(), sink);
  check_same(whole, timed);
  std::set<Index> phase_steps;  // a slow machine may add some
  for (const TensorFile& state : states)
    phase_steps.insert(StateReader(state, "").count("trainer.phase_steps"));
  CHECK(std::ranges::includes(phase_steps, std::set<Index>{0, 1, 3}));
  for (std::size_t i = 0; i + 1 < states.size(); ++i) {
    CAPTURE(i);
    made = 0;
    check_same(whole, run(config, backend, counted_steps(backend, made, [](Index) {}), &states[i], nullptr,
                          &sinks[i]));
  }
}

}  // namespace
}  // namespace bellman
