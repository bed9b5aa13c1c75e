// The end of a run: what is handed over in which order, and the effect of a stop or a non-finite number
// there.
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/error_message.h"
#include "tests/support/training/meddled_env.h"

namespace bellman {
namespace {

using test::bare_config;
using test::error_message;
using test::scripted_env;

bool is_evaluation(const RandomStream& stream) { return stream.purpose == Purpose::kEvaluation; }

/// Evaluation k of a run, of one episode, has the mean means[k].
EnvFactory env_with_final_means(std::vector<float> means) {
  return scripted_env(2, [means = std::move(means)](const RandomStream& stream, Index t, int) {
    if (!is_evaluation(stream)) return StepResult{.truncated = t == 10};
    return StepResult{.reward = stream.seed == 9 ? means.at(stream.index) : -1.0F, .terminated = true};
  });
}

TrainConfig evaluated_config() {
  TrainConfig config = bare_config(25);
  config.eval_frequency = 10;
  config.eval_episodes = 1;
  config.eval_seed = 9;
  return config;
}

/// What a run hands over, in order: "model 10, checkpoint 25".
struct HandedOver {
  explicit HandedOver(Trainer& trainer) {
    trainer.set_model_hook([this, &trainer] {
      add("model", trainer.model_timestep());
      if (model_fails) fail("no room for the model");
    });
    trainer.set_checkpoint_hook(0, [this](Index timestep) {
      add("checkpoint", timestep);
      if (checkpoint_fails) fail("no room for the checkpoint");
    });
  }
  void add(const std::string& what, Index timestep) {
    text += (text.empty() ? "" : ", ") + what + " " + std::to_string(timestep);
  }
  std::string text;
  bool model_fails = false, checkpoint_fails = false;
};

TEST_CASE("the model comes before the last checkpoint, and again when the last evaluation chooses another") {
  const auto order = [](const std::vector<float>& means, const TrainConfig& config) {
    test::LearnerRecord record;
    ReferenceBackend<float> backend;
    Trainer trainer(config, backend, {env_with_final_means(means), test::recording_learner(record)});
    HandedOver handed_over(trainer);
    const TrainResult result = trainer.run();
    CHECK(result.model_timestep == trainer.model_timestep());
    CHECK(trainer.kept_parameters()[0] == static_cast<float>(result.model_timestep));
    return handed_over.text;
  };
  TrainConfig config = evaluated_config();
  CHECK(order({5, 3, 9}, config) == "model 10, checkpoint 25, model 25");
  CHECK(order({5, 3, 1}, config) == "model 10, checkpoint 25");
  config.keep_best = false;
  CHECK(order({5, 3, 1}, config) == "model 25, checkpoint 25");
  config.keep_best = true;
  config.eval_frequency = 0;
  CHECK(order({}, config) == "model 25, checkpoint 25");
  config.eval_frequency = 100;  // more than the run has steps: the only evaluation is at its end
  CHECK(order({4}, config) == "model 25, checkpoint 25");
}

TEST_CASE("neither a model nor a checkpoint that cannot be saved keeps the other from being tried") {
  for (const bool model_fails : {false, true})
    for (const bool checkpoint_fails : {false, true}) {
      test::LearnerRecord record;
      ReferenceBackend<float> backend;
      Trainer trainer(evaluated_config(), backend,
                      {env_with_final_means({5, 3, 1}), test::recording_learner(record)});
      HandedOver handed_over(trainer);
      handed_over.model_fails = model_fails;
      handed_over.checkpoint_fails = checkpoint_fails;
      const std::string message = error_message([&] { trainer.run(); });
      CHECK(message == (checkpoint_fails ? "no room for the checkpoint"
                        : model_fails    ? "no room for the model"
                                         : "no error"));
      CHECK(handed_over.text == "model 10, checkpoint 25");
    }
}

/// A run whose flag is set at step `stop_at` of episode 0 of the final evaluation, all of whose episodes
/// have ten steps.
TrainResult stopped_in_final_evaluation(Index stop_at) {
  std::atomic<bool> stop = false;
  test::RecordedRun run(scripted_env(2, [&](const RandomStream& stream, Index t, int) {
    if (is_evaluation(stream) && stream.index == 0 && t == stop_at) stop = true;
    return StepResult{.reward = 1, .truncated = t == 10};
  }));
  TrainConfig config = bare_config(30);
  config.final_eval_episodes = 3;
  return run.run(config, &stop);
}

TEST_CASE("a stop within the final evaluation: the run says so, and reports no mean of the first to end") {
  for (const Index stop_at : {1, 5, 9}) {
    const TrainResult result = stopped_in_final_evaluation(stop_at);
    CHECK(result.interrupted);
    CHECK(result.timesteps == 30);
    CHECK(result.eval.episodes == 0);
  }
  for (const Index stop_at : {10, 11}) {  // nothing is left to be cut; 11: never
    const TrainResult result = stopped_in_final_evaluation(stop_at);
    CHECK(!result.interrupted);
    CHECK(result.eval.episodes == 3);
    CHECK(result.eval.mean == 10);
  }
}

TEST_CASE("a number that goes wrong in the final evaluation: on_nan skips it, or stops a run that is saved") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const bool in_observation : {false, true})
    for (const OnNan on_nan : {OnNan::kSkip, OnNan::kStop}) {
      bool over = false;  // training
      test::Meddling meddling;
      meddling.with_observation = [&](Index, Index step, std::span<float> seen) {
        if (in_observation && over && step == 3) seen[2] = kNan;
      };
      meddling.with_step = [&](Index, Index step, StepResult& result) {
        if (!in_observation && over && step == 3) result.reward = kNan;
      };
      TrainConfig config = bare_config(30);
      config.network = "dense 4, relu";
      config.final_eval_episodes = 2;
      config.on_nan = on_nan;
      CpuBackend backend;
      Trainer trainer(config, backend, {test::meddled_env(config.env, meddling), {}});
      int checkpoints = 0;
      trainer.set_model_hook([&] { over = true; });
      trainer.set_checkpoint_hook(0, [&](Index) { ++checkpoints; });
      TrainResult result;
      const std::string message = error_message([&] { result = trainer.run(); });
      CHECK(over);
      CHECK(checkpoints == 1);
      if (on_nan == OnNan::kStop) {
        CHECK(message == std::string("evaluation episode 0: a number of the ") +
                             (in_observation ? "observation" : "reward") +
                             " after step 3 is NaN or infinite");
      } else {
        CHECK(message == "no error");
        CHECK(result.eval.mean == (in_observation ? 3 : 2));  // a reward of 1 a step
        CHECK(!result.interrupted);
      }
    }
}

}  // namespace
}  // namespace bellman
