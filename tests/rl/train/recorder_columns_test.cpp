// The columns of diagnostics.csv for research, measured again from the state of a run that has just written its last row.
#include "rl/train/recorder_columns.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "envs/grid/tabular_env.h"
#include "rl/learn/dqn_update.h"
#include "rl/train/from_config.h"
#include "rl/train/network_measures.h"
#include "rl/train/recorder.h"
#include "rl/train/trainer.h"
#include "rl/train/value_errors.h"
#include "tests/rl/train/recorded_rows.h"
#include "tests/rl/train/run_pieces.h"
#include "tests/support/temporary_directory.h"

namespace bellman {
namespace {

using doctest::Approx;
using test::column;
using test::training_to_resume;

/// Op by op, so that what a row measures is what the run would do; its last row is that of its end.
TrainConfig recorded_config() {
  TrainConfig config = training_to_resume();
  config.learner = LearnerKind::kOpByOp;
  config.prioritized = true;
  config.eval_frequency = 0;
  config.diagnostics = Diagnostics::kFull;
  return config;
}

void record(Trainer& trainer, const std::filesystem::path& path) {
  AppendFile file(path);
  Recorder recorder(trainer, file, [](const std::string& reason) { FAIL(reason); });
  trainer.add_sink(recorder);
  trainer.run();
}

/// Q of the plain loops: (B,A), behind the features and the activations of the layers before.
struct PlainPass {
  PlainPass(const Network& network_in, Index batch_in)
      : network(network_in),
        batch(batch_in),
        pass(backend, network, batch, false),
        parameters(backend, network.layout()) {}
  std::vector<float> q(std::span<const float> theta, std::span<const float> observations) {
    std::ranges::copy(theta, parameters.flat().host().begin());
    std::ranges::copy(observations, pass.activation(0, batch).host().begin());
    const std::span<const float> values = network.forward(backend, pass, parameters, batch).host();
    return {values.begin(), values.end()};
  }
  ReferenceBackend<float> backend;
  const Network& network;
  Index batch;
  Workspace pass;
  Arena parameters;
};

TEST_CASE("the columns for research are those of the batch and both networks") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  const TrainConfig config = recorded_config();
  CpuBackend backend(1);
  Trainer trainer(config, backend);
  record(trainer, path);
  const auto last = [&](const std::string& name) { return column(path, name).back(); };

  TensorFile state;
  StateWriter out(state);
  trainer.save_learner(out);
  const std::span<const float> online = state.find("network.online")->f32();
  const NextStep step = trainer.next_step();
  REQUIRE(step.batch.size == 16);
  const std::vector<float>& seen = step.batch.observations;
  PlainPass plain(trainer.network(), 16);
  const std::vector<float> q = plain.q(online, seen);
  const auto outputs = [&](std::size_t i) { return plain.pass.activation(i, 16).host(); };

  CHECK(last("dead_share/1") == Approx(dead_share(activities(outputs(2), 16))));
  CHECK(last("dormant_share/1") == Approx(dormant_share(activities(outputs(2), 16), 12)));
  CHECK(last("dormant_share/3") == Approx(dormant_share(activities(outputs(4), 16), 8)));
  CHECK(last("effective_rank/features") == static_cast<double>(effective_rank(outputs(4), 16)));
  CHECK(last("batch/effective_size") ==
        Approx(effective_sample_size(step.batch.arrays.weights)).epsilon(1e-4));
  CHECK(last("batch/effective_size") < 16);

  DqnUpdate update(backend, trainer.network(), learner_options(config, nullptr));
  update.load(StateReader(state, "state"));
  make_step(update, step, {});
  CHECK(last("policy_churn/step") ==
        Approx(policy_churn(q, plain.q(update.online().flat().host(), seen), 2)));
}

TEST_CASE("the target network's lag is that after the last gradient step, also where an update follows it") {
  for (const Index frequency : {70, 50}) {  // a row at the step 450
    CAPTURE(frequency);
    const test::TemporaryDirectory top;
    const std::filesystem::path path = top.path() / "diagnostics.csv";
    TrainConfig config = recorded_config();
    config.target_network_frequency = frequency;
    config.log_frequency = 450;
    CpuBackend backend(1);
    Trainer trainer(config, backend);
    TensorFile state;
    NextStep step;
    trainer.set_learn_hook([&](Index, StepMoment moment) {
      const bool is_there = trainer.next_step().step.timestep == 450;
      if (moment != StepMoment::kAfter || !is_there) return;
      state = {};
      StateWriter out(state);
      trainer.save_learner(out);
      step = trainer.next_step();
    });
    record(trainer, path);
    const std::span<const float> online = state.find("network.online")->f32(),
                                 target = state.find("network.target")->f32();
    PlainPass plain(trainer.network(), 16);
    const std::vector<float> q_target = plain.q(target, step.batch.observations),
                             q = plain.q(online, step.batch.observations);
    const std::vector<double> steps = column(path, "time/total_timesteps");
    CHECK(steps == (frequency == 50 ? std::vector<double>{450, 450, 500} : std::vector<double>{450, 500}));
    const auto at_450 = [&](const std::string& name) { return column(path, name).front(); };
    CHECK(euclidean_distance(online, target) > 1e-3);
    CHECK(at_450("target_gap/parameters") == Approx(euclidean_distance(online, target)).epsilon(1e-4));
    CHECK(at_450("target_gap/q") == Approx(mean_distance(q, q_target)).epsilon(1e-3));
    CHECK(at_450("policy_churn/target") == Approx(policy_churn(q_target, q, 2)));
    CHECK(std::isnan(at_450("grad_norm/0.weight")) == (frequency == 50));
    CHECK(std::isnan(column(path, "target_gap/q")[1]) == (frequency == 50));
  }
}

TEST_CASE("a gridworld's errors are those of the table beside them, and lie at evaluations") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  TrainConfig config = training_to_resume();
  config.env.id = "FrozenLake-v1";
  config.eval_frequency = 250;
  config.reward_scale = 3;
  CpuBackend backend(1);
  Trainer trainer(config, backend);
  record(trainer, path);
  const std::unique_ptr<Env> env = trainer.make_env();
  const ValueErrors exact(as_tabular(*env)->task().mdp, config);
  const std::vector<double> steps = column(path, "time/total_timesteps");
  std::vector<std::vector<double>> tables(steps.size());
  for (int i = 0; i < 64; ++i)
    for (std::size_t row = 0; row < steps.size(); ++row)
      tables[row].push_back(column(path, "q/" + std::to_string(i))[row]);
  int evaluations = 0;
  for (std::size_t i = 0; i < kValueErrorNames.size(); ++i) {
    const std::vector<double> values = column(path, "value_error/" + std::string(kValueErrorNames[i]));
    for (std::size_t row = 0; row < steps.size(); ++row) {
      CAPTURE(kValueErrorNames[i]);
      CHECK(std::isnan(values[row]) == std::isnan(tables[row][0]));
      if (std::isnan(values[row])) continue;
      ++evaluations;
      CHECK(values[row] == Approx(exact.errors(tables[row])[i]).epsilon(1e-4));
    }
  }
  CHECK(evaluations == 2 * static_cast<int>(kValueErrorNames.size()));
}

TEST_CASE("which columns a run has depends on its settings") {
  CpuBackend backend(1);
  const auto has = [&](const TrainConfig& config, std::string_view name) {
    const RecorderColumns columns{Trainer(config, backend)};
    return std::ranges::count(columns.names, name) == 1;
  };
  TrainConfig config = recorded_config();
  for (const char* const name :
       {"target_gap/q", "policy_churn/step", "policy_churn/target", "effective_rank/features",
        "batch/effective_size", "target_gap/parameters", "dormant_share/3"})
    CHECK_MESSAGE(has(config, name), std::string(name));
  CHECK_FALSE(has(config, "dead_share/3"));  // a tanh
  config.diagnostics = Diagnostics::kBasic;
  for (const char* const name :
       {"target_gap/q", "policy_churn/step", "policy_churn/target", "effective_rank/features"})
    CHECK_MESSAGE(!has(config, name), std::string(name));
  CHECK(has(config, "target_gap/parameters"));
  config.target_network = config.prioritized = false;
  config.diagnostics = Diagnostics::kFull;
  for (const char* const name : {"target_gap/q", "policy_churn/target", "target_gap/parameters",
                                 "batch/effective_size", "value_error/q_star"})
    CHECK_MESSAGE(!has(config, name), std::string(name));
  CHECK(has(config, "policy_churn/step"));
  config.env.id = "CliffWalking-v1";  // 48 cells
  CHECK(has(config, "value_error/regret"));
  CHECK(has(config, "q/191"));
}

}  // namespace
}  // namespace bellman
