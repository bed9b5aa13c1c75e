// Evaluation within the DQN loop: apart from training, honest about luck, and which parameters the run
// then keeps.
#include <atomic>
#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/rl/train/recorded_run.h"

namespace bellman {
namespace {

using test::bare_config;
using test::episodes_of;
using test::kTerminated;
using test::RecordedRun;
using test::scripted_env;

bool evaluating(const RandomStream& stream) { return stream.purpose == Purpose::kEvaluation; }

/// Evaluation episodes of one step that pay what `pays` says; training episodes of ten.
template <class Pays>
EnvFactory paying_env(Pays pays) {
  return scripted_env(2, [pays](const RandomStream& stream, Index t, int) {
    if (!evaluating(stream)) return StepResult{.truncated = t == 10};
    return StepResult{.reward = pays(stream), .terminated = true};
  });
}

TEST_CASE("evaluation has streams of its own, fresh ones every time, and the final one others") {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> played;
  std::set<std::uint64_t> training_seeds;
  RecordedRun run(scripted_env(2, [&](const RandomStream& stream, Index t, int) {
    if (evaluating(stream)) played.emplace_back(stream.seed, stream.index);
    if (!evaluating(stream)) training_seeds.insert(stream.seed);
    return StepResult{.terminated = t == 1};
  }));
  TrainConfig config = bare_config(100);
  config.eval_frequency = 10;
  config.eval_episodes = 4;
  config.final_eval_episodes = 20;
  const TrainResult result = run.run(config);
  CHECK(played.size() == 10 * 4 + 20);
  CHECK(std::set(played.begin(), played.end()).size() == played.size());
  CHECK(training_seeds == std::set<std::uint64_t>{config.seed});
  for (const auto& [seed, index] : played) CHECK(seed != config.seed);
  CHECK(played.back().first == result.eval_seed);
  CHECK(played.front().first != result.eval_seed);
}

TEST_CASE("a run makes no environment for evaluations that it does not make") {
  for (const Index eval_frequency : {0, 50}) {
    int made = 0;
    const EnvFactory one = scripted_env(2, episodes_of(3, kTerminated));
    RecordedRun run([&made, one] {
      ++made;
      return one();
    });
    TrainConfig config = bare_config(100);
    config.eval_frequency = eval_frequency;
    config.eval_episodes = 30;
    config.final_eval_episodes = 20;
    run.run(config);
    // One to train in; one that an evaluator asks what it is, or as many as it plays episodes.
    CHECK(made == 1 + (eval_frequency == 0 ? 1 : 30) + 20);
  }
}

TEST_CASE("eval_seed decides the evaluation's episodes, whatever the run's seed") {
  std::vector<std::uint64_t> final_seeds;
  for (const std::uint64_t seed : {1, 2}) {
    RecordedRun run(scripted_env(2, episodes_of(3, kTerminated)));
    TrainConfig config = bare_config(10);
    config.seed = seed;
    config.eval_seed = 5;
    final_seeds.push_back(run.run(config).eval_seed);
  }
  CHECK(final_seeds[0] == final_seeds[1]);
}

TEST_CASE("evaluation is separate: training goes the same way with and without it") {
  std::vector<std::vector<test::LearnerRecord::Sample>> first_batches;
  std::vector<std::vector<std::vector<float>>> stored;
  std::vector<std::vector<double>> means;
  for (const Index frequency : {0, 7}) {
    RecordedRun run(scripted_env(2, episodes_of(9, kTerminated)));
    run.record.q_of = [](std::span<float> q, std::span<const float> s) { q[static_cast<int>(s[2]) % 2] = 1; };
    run.record.first_slots = 300;
    TrainConfig config = bare_config(300);
    config.eval_frequency = frequency;
    config.keep_best = false;
    config.normalize_observation = true;
    config.start_e = config.end_e = 0.3;
    run.run(config);
    stored.push_back(run.record.stored);
    means.push_back(run.observation_mean);
  }
  CHECK(stored[0] == stored[1]);
  CHECK(means[0] == means[1]);
}

TEST_CASE("evaluation is greedy, or explores with eval_epsilon") {
  for (const double epsilon : {0.0, 0.5}) {
    int ones = 0;
    RecordedRun run(scripted_env(2, [&](const RandomStream& stream, Index t, int action) {
      if (evaluating(stream)) ones += action;
      return StepResult{.truncated = t == 100};
    }));
    run.record.q_of = [](std::span<float> q, std::span<const float>) { q[0] = 1; };
    TrainConfig config = bare_config(10);
    config.final_eval_episodes = 20;
    config.eval_epsilon = epsilon;
    run.run(config);
    // A quarter of 2000 actions, standard deviation 20.
    if (epsilon == 0)
      CHECK(ones == 0);
    else
      CHECK(std::abs(ones - 500) < 100);
  }
}

/// A run whose evaluation at timestep 10 k has the mean means[k - 1].
TrainResult run_with_means(RecordedRun& run, const std::vector<float>& means, TrainConfig config) {
  config.total_timesteps = 10 * static_cast<Index>(means.size());
  config.eval_frequency = 10;
  config.eval_episodes = 1;
  config.eval_seed = 9;
  return run.run(config);
}

/// With one episode an evaluation, the episode's number is the evaluation's.
EnvFactory env_with_means(const std::vector<float>& means) {
  return paying_env([means](const RandomStream& stream) {
    return stream.seed == 9 ? means.at(stream.index) : -1.0F;  // the final evaluation has another seed
  });
}

TEST_CASE("keep_best keeps the best evaluated parameters, the later of equals; otherwise the last") {
  const std::vector<float> means = {1, 7, 3, 7, 2};
  for (const bool keep_best : {true, false}) {
    RecordedRun run(env_with_means(means));
    TrainConfig config = bare_config(1);
    config.keep_best = keep_best;
    const TrainResult result = run_with_means(run, means, config);
    const Index kept_at = keep_best ? 40 : 50;
    CHECK(result.model_timestep == kept_at);
    CHECK(run.kept[0] == static_cast<float>(kept_at));           // a parameter is the number of learn steps
    CHECK(run.record.parameter == static_cast<float>(kept_at));  // those that the final evaluation played
    CHECK(result.eval.mean == -1);
  }
}

TEST_CASE("the last parameters are evaluated too when the run ends between evaluations") {
  RecordedRun run(env_with_means({1, 2, 3}));
  TrainConfig config = bare_config(25);
  config.eval_frequency = 10;
  config.eval_episodes = 1;
  config.eval_seed = 9;
  const TrainResult result = run.run(config);
  CHECK(result.model_timestep == 25);
  CHECK(run.sink.row_timesteps.back() == 25);
  CHECK(run.sink.column("eval/mean_reward").back() == 3);
}

TEST_CASE("the first evaluation that reaches solved_return is when it was solved") {
  const std::vector<float> means = {1, 5, 3, 6};
  RecordedRun run(env_with_means(means));
  TrainConfig config = bare_config(1);
  config.solved_return = 5;
  const TrainResult result = run_with_means(run, means, config);
  CHECK(result.solved_at_timestep == 20);
  CHECK(result.timesteps == 40);
  CHECK(result.seconds_to_solve <= result.wall_seconds);
}

TEST_CASE("stop_when_solved stops there") {
  const std::vector<float> means = {1, 5, 3, 6};
  RecordedRun run(env_with_means(means));
  TrainConfig config = bare_config(1);
  config.solved_return = 5;
  config.stop_when_solved = true;
  const TrainResult result = run_with_means(run, means, config);
  CHECK(result.timesteps == 20);
  CHECK(result.model_timestep == 20);
  CHECK(!result.interrupted);
}

TEST_CASE(
    "solved_return NaN is the environment's own threshold; where there is none nothing is ever solved") {
  const auto script = [](const RandomStream& stream, Index t, int) {
    return StepResult{.reward = evaluating(stream) ? 5.0F : 0.0F, .truncated = t == 1};
  };
  for (const double threshold : {4.0, 6.0, std::numeric_limits<double>::quiet_NaN()}) {
    RecordedRun run(scripted_env(2, script, threshold));
    TrainConfig config = bare_config(10);
    config.eval_frequency = 5;
    CHECK(run.run(config).solved_at_timestep.has_value() == (threshold == 4.0));
  }
}

TEST_CASE("a few lucky episodes do not solve: the mean must hold over solve_confirm_episodes more") {
  // The first four episodes of every evaluation of 4 + 16 pay 10; the sixteen that confirm pay 10 only from
  // the third evaluation on.
  RecordedRun run(paying_env([](const RandomStream& stream) {
    const bool lucky = stream.index % 20 < 4;
    return lucky || stream.index >= 40 ? 10.0F : 4.0F;
  }));
  TrainConfig config = bare_config(40);
  config.eval_frequency = 10;
  config.eval_episodes = 4;
  config.solve_confirm_episodes = 16;
  config.solved_return = 8;
  config.stop_when_solved = true;
  const TrainResult result = run.run(config);
  CHECK(result.solved_at_timestep == 30);
  CHECK(run.sink.column("eval/mean_reward") == std::vector<double>{4, 4, 10});
}

TEST_CASE("an evaluation that a stop cuts short says nothing") {
  std::atomic<bool> stop = false;
  RecordedRun run(scripted_env(2, [&](const RandomStream& stream, Index t, int) {
    if (evaluating(stream) && t == 3) stop = true;
    return StepResult{.reward = 1, .truncated = t == 1000};
  }));
  TrainConfig config = bare_config(100);
  config.eval_frequency = 50;
  const TrainResult result = run.run(config, &stop);
  CHECK(result.interrupted);
  CHECK(result.timesteps == 50);
  CHECK(result.eval.episodes == 0);
  for (double mean : run.sink.column("eval/mean_reward")) CHECK(std::isnan(mean));
}

TEST_CASE("the final evaluation sees observations as the kept parameters did") {
  RecordedRun run(paying_env([](const RandomStream& stream) { return stream.index == 1 ? 9.0F : 1.0F; }));
  double mean_when_last_asked = 0;
  run.record.q_of = [&](std::span<float>, std::span<const float>) {
    mean_when_last_asked = run.record.options.normalizer->mean()[2];
  };
  TrainConfig config = bare_config(50);
  config.normalize_observation = true;
  config.eval_frequency = 10;
  config.eval_episodes = 1;  // the second evaluation, at step 20, is the best
  const TrainResult result = run.run(config);
  CHECK(result.model_timestep == 20);
  REQUIRE(run.observation_mean.size() == 3);
  // Steps in the first 23 observations: two episodes of 0 .. 10, then the reset of the third.
  CHECK(run.observation_mean[2] == doctest::Approx(110.0 / 23.0));
  CHECK(mean_when_last_asked == run.observation_mean[2]);
}

}  // namespace
}  // namespace bellman
