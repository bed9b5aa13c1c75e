// What happens at each step and what once in a round of several environments: learn steps and schedules
// at the step, evaluation and the row of scalars at the round's end.
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
using test::LearnerRecord;
using test::RecordedRun;
using test::scripted_env;

constexpr std::uint64_t kEvalSeed = 9;  // of the evaluations during training, not of the final one

/// Learn steps that are due in the first `timestep` steps, counted one by one.
Index due_learn_steps(const TrainConfig& config, Index timestep) {
  Index count = 0;
  for (Index t = 1; t <= timestep; ++t)
    if (t >= config.learning_starts && t % config.train_frequency == 0) count += config.gradient_steps;
  return count;
}

/// The round's end at or after step t.
Index round_end(const TrainConfig& config, Index t) {
  return (t + config.num_envs - 1) / config.num_envs * config.num_envs;
}

/// The ends of the rounds that pass a multiple of the frequency, up to the run's end.
std::set<Index> rounds_that_pass(const TrainConfig& config, Index frequency) {
  std::set<Index> ends;
  const Index total = round_end(config, config.total_timesteps);
  for (Index t = frequency; frequency > 0 && t <= total; t += frequency) ends.insert(round_end(config, t));
  return ends;
}

/// A run and the number of learn steps that each of its evaluations has seen: as the recording learner has
/// it, a parameter's value.
struct WatchedRun {
  explicit WatchedRun(const TrainConfig& config)
      : run(scripted_env(2, [this](const RandomStream& stream, Index t, int) {
          if (stream.purpose != Purpose::kEvaluation) return StepResult{.truncated = t == 7};
          if (stream.seed == kEvalSeed) evaluated.push_back(static_cast<Index>(run.record.parameter));
          // The later the better: what is kept is of the last evaluation.
          return StepResult{.reward = static_cast<float>(evaluated.size()), .terminated = true};
        })) {
    result = run.run(config);
  }
  std::vector<Index> evaluated;
  RecordedRun run;
  TrainResult result;
};

/// Frequencies below, at and above the number of environments, that divide a round and that do not.
std::vector<TrainConfig> cadences() {
  std::vector<TrainConfig> configs;
  for (const Index num_envs : {1, 2, 3, 8})
    for (const auto& [total, log, eval] : std::vector<std::array<Index, 3>>{
             {40, 10, 36}, {40, 7, 5}, {40, 1, 0}, {60, 20, 40}, {48, 1000, 1}, {50, 16, 1000}})
      for (const Index train_frequency : {1, 3}) {
        TrainConfig config = bare_config(total);
        config.num_envs = num_envs;
        config.log_frequency = log;
        config.eval_frequency = eval;
        config.eval_episodes = 1;
        config.eval_seed = kEvalSeed;
        config.train_frequency = train_frequency;
        config.learning_starts = 6;
        config.gradient_steps = train_frequency;
        configs.push_back(config);
      }
  return configs;
}

TEST_CASE("an evaluation comes once a round, at its end, and sees all that the round has learnt") {
  for (TrainConfig config : cadences())
    for (const bool keep_best : {true, false}) {
      config.keep_best = keep_best;
      CAPTURE(config.num_envs);
      CAPTURE(config.total_timesteps);
      CAPTURE(config.eval_frequency);
      const WatchedRun watched(config);
      std::set<Index> ends = rounds_that_pass(config, config.eval_frequency);
      if (config.eval_frequency > 0) ends.insert(watched.result.timesteps);  // the last parameters
      std::vector<Index> expected;
      for (const Index end : ends) expected.push_back(due_learn_steps(config, end));
      CHECK(watched.evaluated == expected);
      CHECK(watched.result.gradient_updates == due_learn_steps(config, watched.result.timesteps));
      CHECK(watched.result.model_timestep == watched.result.timesteps);
      CHECK(watched.run.kept[0] == static_cast<float>(watched.result.gradient_updates));
    }
}

TEST_CASE(
    "a round has one row at most, of its end; the last row is of the run's end and has its last values") {
  for (const TrainConfig& config : cadences()) {
    CAPTURE(config.num_envs);
    CAPTURE(config.total_timesteps);
    CAPTURE(config.log_frequency);
    CAPTURE(config.eval_frequency);
    const WatchedRun watched(config);
    const test::RecordingSink& sink = watched.run.sink;
    const std::set<Index> evaluations = rounds_that_pass(config, config.eval_frequency);
    std::set<Index> ends = rounds_that_pass(config, config.log_frequency);
    ends.insert(evaluations.begin(), evaluations.end());
    ends.insert(watched.result.timesteps);
    CHECK(sink.row_timesteps == std::vector<Index>(ends.begin(), ends.end()));
    const std::vector<double> updates = sink.column("train/n_updates");
    const std::vector<double> means = sink.column("eval/mean_reward");
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const Index t = sink.row_timesteps[i];
      CHECK(sink.column("time/total_timesteps")[i] == static_cast<double>(t));
      CHECK(updates[i] == static_cast<double>(due_learn_steps(config, t)));
      const bool last = config.eval_frequency > 0 && t == watched.result.timesteps;
      CHECK(std::isnan(means[i]) == !(last || evaluations.contains(t)));
    }
    CHECK(updates.back() == static_cast<double>(watched.result.gradient_updates));
    if (config.eval_frequency > 0) CHECK(means.back() == static_cast<double>(watched.evaluated.size()));
  }
}

TEST_CASE("a row's loss, Q-value and norm are the means of the learn steps since the row before") {
  for (const Index num_envs : {1, 4}) {
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    float steps = 0;  // a learn step's loss is its number
    run.record.td_error_of = [&](const LearnerRecord::Sample&) {
      ++steps;
      run.record.stats.loss = steps;
      run.record.stats.mean_q = 2 * steps;
      run.record.stats.gradient_norm = 3 * steps;
      return 1.0F;
    };
    TrainConfig config = bare_config(48);
    config.num_envs = num_envs;
    config.log_frequency = 12;
    config.train_frequency = 2;
    config.learning_starts = 25;
    run.run(config);
    const std::vector<double> losses = run.sink.column("train/loss");
    REQUIRE(losses.size() == 4);
    CHECK(std::isnan(losses[0]));
    CHECK(std::isnan(losses[1]));
    CHECK(losses[2] == (1 + 6) / 2.0);  // of the steps at 26, 28, .., 36
    CHECK(losses[3] == (7 + 12) / 2.0);
    CHECK(run.sink.column("train/mean_q")[3] == 7 + 12);
    CHECK(run.sink.column("train/grad_norm")[3] == 1.5 * (7 + 12));
  }
}

TEST_CASE("a run that stops between two rows has a row of its end, without an evaluation") {
  for (const Index num_envs : {1, 4}) {
    std::atomic<bool> stop = false;
    Index steps = 0;
    RecordedRun run(scripted_env(2, [&](const RandomStream& stream, Index t, int) {
      if (stream.purpose == Purpose::kEnvironment && ++steps == 30) stop = true;
      return StepResult{.terminated = t == 3};
    }));
    TrainConfig config = bare_config(100);
    config.num_envs = num_envs;
    config.log_frequency = 12;
    config.eval_frequency = 50;
    const TrainResult result = run.run(config, &stop);
    CHECK(result.timesteps == round_end(config, 30));
    CHECK(run.sink.row_timesteps == std::vector<Index>{12, 24, result.timesteps});
    CHECK(run.sink.column("train/n_updates").back() == static_cast<double>(result.timesteps));
    CHECK(std::isnan(run.sink.column("eval/mean_reward").back()));
  }
}

TEST_CASE("learning begins at the very step learning_starts, with one environment and with several") {
  for (const Index num_envs : {1, 3, 8})
    for (const Index starts : {0, 1, 23, 24, 25}) {
      CAPTURE(num_envs);
      CAPTURE(starts);
      RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
      TrainConfig config = bare_config(24);
      config.num_envs = num_envs;
      config.learning_starts = starts;
      CHECK(run.run(config).gradient_updates == (starts == 0 ? 24 : 25 - starts));
    }
}

/// How often action 1, which the greedy choice never is, was taken in each round, over many seeds and all
/// environments; a quarter of 2 actions under epsilon 0.5.
std::vector<int> explored_by_round(TrainConfig config, Index rounds) {
  std::vector<int> ones(static_cast<std::size_t>(rounds));
  for (config.seed = 1; config.seed <= 40; ++config.seed) {
    RecordedRun run(scripted_env(2, [&](const RandomStream& stream, Index t, int action) {
      if (stream.purpose == Purpose::kEnvironment) ones.at(static_cast<std::size_t>(t - 1)) += action;
      return StepResult{.terminated = stream.purpose == Purpose::kEvaluation};
    }));
    run.record.q_of = [](std::span<float> q, std::span<const float>) { q[0] = 1; };
    config.total_timesteps = rounds * config.num_envs;
    run.run(config);
  }
  return ones;
}

TEST_CASE("epsilon is that of the steps made before the round, to the very step") {
  for (const Index num_envs : {1, 4}) {
    CAPTURE(num_envs);
    TrainConfig config = bare_config(1);
    config.num_envs = num_envs;
    SUBCASE("linear: greedy at step 0, all explored from step num_envs on") {
      config.start_e = 0;
      config.end_e = 1;
      config.exploration_fraction = 0.25;  // of four rounds
      const std::vector<int> ones = explored_by_round(config, 4);
      CHECK(ones[0] == 0);
      for (std::size_t round = 1; round < 4; ++round)
        CHECK(std::abs(ones[round] - 20 * num_envs) <= 4 * std::sqrt(10.0 * static_cast<double>(num_envs)));
    }
    SUBCASE("exponential: all explored at step 0, greedy from step num_envs on") {
      config.exploration_schedule = ExplorationSchedule::kExponential;
      config.start_e = 1;
      config.end_e = 0;
      config.exploration_decay = 1e-6;
      const std::vector<int> ones = explored_by_round(config, 3);
      CHECK(std::abs(ones[0] - 20 * num_envs) <= 4 * std::sqrt(10.0 * static_cast<double>(num_envs)));
      CHECK(ones[1] == 0);
      CHECK(ones[2] == 0);
    }
  }
}

TEST_CASE("epsilon and learning rate are reported, and the rate is used, at the step that a row is of") {
  for (const Index num_envs : {1, 4}) {
    CAPTURE(num_envs);
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    TrainConfig config = bare_config(40);
    config.num_envs = num_envs;
    config.log_frequency = 4;
    config.learning_rate = 0.5;
    config.anneal_learning_rate = true;
    config.exploration_fraction = 0.5;
    config.start_e = 0.9;
    config.end_e = 0.1;
    run.run(config);
    const std::vector<double> epsilons = run.sink.column("rollout/exploration_rate");
    const std::vector<double> rates = run.sink.column("train/learning_rate");
    REQUIRE(epsilons.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
      const auto t = static_cast<double>(4 * (i + 1));
      CHECK(epsilons[i] == doctest::Approx(t < 20 ? 0.9 - 0.8 * t / 20 : 0.1).epsilon(1e-12));
      CHECK(rates[i] == doctest::Approx(0.5 * (1 - t / 40)).epsilon(1e-12));
    }
    REQUIRE(run.record.learning_rates.size() == 40);
    for (Index t = 1; t <= 40; ++t) {
      const auto made = static_cast<double>(round_end(config, t));
      CHECK(run.record.learning_rates[static_cast<std::size_t>(t - 1)] ==
            doctest::Approx(0.5 * (1 - made / 40)).epsilon(1e-6));
    }
  }
}

TEST_CASE("beta is that of the steps made when a batch is drawn, to the very step") {
  for (const Index num_envs : {1, 4}) {
    CAPTURE(num_envs);
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    run.record.td_error_of = [](const LearnerRecord::Sample& sample) {
      return sample.observation[2] == 0 ? 10.0F : 1.0F;
    };
    TrainConfig config = bare_config(60);
    config.num_envs = num_envs;
    config.prioritized = true;
    config.per_alpha = 1;
    config.per_beta_start = 0.2;
    config.per_beta_end = 0.8;
    config.batch_size = 64;
    run.run(config);
    int both = 0;  // batches in which both priorities are
    REQUIRE(run.record.batches.size() == 60);
    for (Index t = 30; t <= 60; ++t) {
      const auto made = static_cast<double>(round_end(config, t));
      const double least =
          std::pow((1 + config.per_epsilon) / (10 + config.per_epsilon), 0.2 + 0.6 * made / 60);
      for (const LearnerRecord::Sample& sample : run.record.batches[static_cast<std::size_t>(t - 1)]) {
        const bool first = std::abs(static_cast<double>(sample.weight) - least) <= 1e-6;
        CHECK((first || sample.weight == 1));
        both += first;
      }
    }
    CHECK(both > 100);
  }
}

}  // namespace
}  // namespace bellman
