// The order of events in the DQN loop: when it learns, when the target follows, how it ends.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
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

using Sample = LearnerRecord::Sample;

TEST_CASE("training begins at learning_starts and comes every train_frequency steps") {
  RecordedRun run(scripted_env(2, episodes_of(7, kTerminated)));
  TrainConfig config = bare_config(100);
  config.learning_starts = 20;
  config.train_frequency = 8;
  config.gradient_steps = 3;
  const TrainResult result = run.run(config);
  CHECK(run.count('L') == 3 * 10);  // at 24, 32, ..., 96
  CHECK(result.gradient_updates == 30);
}

TEST_CASE("target sync: a count of steps that jumps by more than one skips nothing") {
  for (const Index num_envs : {1, 3, 7, 64}) {
    CAPTURE(num_envs);
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    TrainConfig config = bare_config(64 * 21);
    config.num_envs = num_envs;
    config.train_frequency = 4;
    config.target_network_frequency = 10;
    const TrainResult result = run.run(config);
    CHECK(result.timesteps == 64 * 21);
    CHECK(run.count('L') == 64 * 21 / 4);
    CHECK(run.count('S') == 64 * 21 / 10);
  }
}

TEST_CASE("within a round, learning and syncing take turns as they would with one environment") {
  std::vector<std::string> events;
  for (const Index num_envs : {1, 6}) {
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    TrainConfig config = bare_config(60);
    config.num_envs = num_envs;
    config.train_frequency = 2;
    config.target_network_frequency = 3;
    run.run(config);
    events.push_back(run.record.events);
  }
  CHECK(events[0].substr(0, 10) == "LSLLSLSLLS");
  CHECK(events[0] == events[1]);
}

TEST_CASE("the target follows by tau, and not at all without a target network") {
  for (const bool target_network : {true, false}) {
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    TrainConfig config = bare_config(20);
    config.tau = 0.125;
    config.target_network_frequency = 2;
    config.target_network = target_network;
    run.run(config);
    CHECK(run.record.taus == std::vector<float>(target_network ? 10 : 0, 0.125F));
    CHECK(run.record.options.target_network == target_network);
  }
}

TEST_CASE("total_timesteps is rounded up to whole rounds") {
  RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
  TrainConfig config = bare_config(10);
  config.num_envs = 4;
  CHECK(run.run(config).timesteps == 12);
}

/// Of every environment and step, whether the action was the random one (the greedy action is always 0, a
/// random one 0 or 1): what 1s there are came from exploration.
std::map<float, std::vector<std::int32_t>> actions_by_env(double start_e, double end_e, Index rounds) {
  std::map<float, std::vector<std::int32_t>> actions;
  RecordedRun run(scripted_env(2, [&actions](const RandomStream& stream, Index, int action) {
    if (stream.purpose == Purpose::kEnvironment) actions[static_cast<float>(stream.index)].push_back(action);
    return StepResult{.terminated = stream.purpose == Purpose::kEvaluation};
  }));
  run.record.q_of = [](std::span<float> q, std::span<const float>) { q[0] = 1; };
  TrainConfig config = bare_config(8 * rounds);
  config.num_envs = 8;
  config.start_e = start_e;
  config.end_e = end_e;
  config.exploration_fraction = 1;
  run.run(config);
  return actions;
}

TEST_CASE("epsilon is one draw for each environment, not one for all") {
  const auto actions = actions_by_env(0.5, 0.5, 200);
  REQUIRE(actions.size() == 8);
  std::set<std::vector<std::int32_t>> different;
  for (const auto& [env, sequence] : actions) different.insert(sequence);
  CHECK(different.size() == 8);
}

TEST_CASE("the linear epsilon schedule really moves") {
  const auto actions = actions_by_env(1.0, 0.0, 1000);
  std::array<int, 4> ones{};  // by quarter of the run
  for (const auto& [env, sequence] : actions)
    for (std::size_t i = 0; i < 1000; ++i) ones.at(i / 250) += sequence[i];
  // Half of the explored steps: epsilon is 0.875, 0.625, 0.375, 0.125 on average; 2000 steps a quarter,
  // standard deviation 22 at most.
  CHECK(std::abs(ones[0] - 875) < 110);
  CHECK(std::abs(ones[1] - 625) < 110);
  CHECK(std::abs(ones[2] - 375) < 110);
  CHECK(std::abs(ones[3] - 125) < 110);
}

TEST_CASE("the learning rate anneals to zero when asked to") {
  for (const bool anneal : {false, true}) {
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    TrainConfig config = bare_config(100);
    config.learning_rate = 0.5;
    config.anneal_learning_rate = anneal;
    run.run(config);
    CHECK(run.record.learning_rates.at(49) == (anneal ? 0.25F : 0.5F));
    CHECK(run.record.learning_rates.at(99) == (anneal ? 0.0F : 0.5F));
  }
}

TEST_CASE("priorities: TD errors reach the sampler, weights the learner, and beta anneals") {
  RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
  run.record.td_error_of = [](const Sample& sample) { return sample.observation[2] == 0 ? -10.0F : 1.0F; };
  TrainConfig config = bare_config(1000);
  config.prioritized = true;
  config.per_alpha = 1;
  config.per_beta_start = 0;
  config.per_beta_end = 1;
  config.batch_size = 32;
  config.learning_starts = 20;
  run.run(config);
  const auto least_weight = [&](std::size_t step) {
    float least = 1;
    for (const Sample& sample : run.record.batches.at(step)) least = std::min(least, sample.weight);
    return least;
  };
  // The largest priority is 10 times the least, so the least weight is 0.1^beta, with beta step/1000.
  CHECK(least_weight(100) == doctest::Approx(std::pow(0.1, 0.12)).epsilon(0.01));
  CHECK(least_weight(500) == doctest::Approx(std::pow(0.1, 0.52)).epsilon(0.01));
  CHECK(least_weight(980) == doctest::Approx(0.1).epsilon(0.01));
  const auto firsts = std::count_if(run.record.batches[980].begin(), run.record.batches[980].end(),
                                    [](const Sample& sample) { return sample.observation[2] == 0; });
  CHECK(firsts >= 32 * 10 / 14 - 3);  // 10 of 10 + 4 parts of the sum
}

TEST_CASE("a stop ends the run at the next step, with its last writes") {
  std::atomic<bool> stop = false;
  Index steps = 0;
  RecordedRun run(scripted_env(2, [&](const RandomStream&, Index t, int) {
    if (++steps == 37) stop = true;
    return StepResult{.truncated = t == 10};
  }));
  const TrainResult result = run.run(bare_config(1000), &stop);
  CHECK(result.interrupted);
  CHECK(result.timesteps == 37);
  CHECK(result.model_timestep == 37);
  CHECK(result.eval.episodes == 0);  // the final evaluation is left out
  CHECK(run.sink.flushes == 1);
  CHECK(run.sink.row_timesteps.back() == 37);
}

TEST_CASE("a loss that is not finite ends the run with its step") {
  for (const float loss : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    RecordedRun run(scripted_env(2, episodes_of(5, kTerminated)));
    run.record.stats.loss = loss;
    TrainConfig config = bare_config(100);
    config.learning_starts = 30;
    run.record.stats.non_finite = NonFinite::kLoss;
    run.record.stats.where = "it is somewhere";
    const std::string expected =
        std::string("gradient update 1, at environment step 30: a loss is not finite: the loss is ") +
        (std::isnan(loss) ? "nan" : "inf") + "; it is somewhere";
    CHECK_THROWS_WITH_AS(run.run(config), expected.c_str(), Error);
  }
}

TEST_CASE("a trainer runs once") {
  test::LearnerRecord record;
  ReferenceBackend<float> backend;
  Trainer trainer(bare_config(5), backend,
                  {scripted_env(2, episodes_of(5, kTerminated)), test::recording_learner(record)});
  trainer.run();
  CHECK_THROWS_AS(trainer.run(), Error);
}

}  // namespace
}  // namespace bellman
