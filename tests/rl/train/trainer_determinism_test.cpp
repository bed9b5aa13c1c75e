// The same seed gives the same bits, run after run and for any number of threads; and the loop allocates
// nothing once it runs.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/counts/allocation_count.h"
#include "tests/support/training/short_training.h"

namespace bellman {
namespace {

/// Everything that a run leaves behind, but for its times.
struct Remains {
  std::vector<float> parameters;
  std::vector<double> numbers;  // of every episode, row of scalars and the result

  bool operator==(const Remains& other) const {
    return same_bits(parameters, other.parameters) && same_bits(numbers, other.numbers);
  }
  template <class T>
  static bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {  // NaN too
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
  }
};

Remains outcome_of(const TrainConfig& config, int threads, const TrainerParts& parts = {}) {
  CpuBackend backend(threads);
  Trainer trainer(config, backend, parts);
  test::RecordingSink sink;
  trainer.add_sink(sink);
  const TrainResult result = trainer.run();
  Remains outcome;
  outcome.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  auto& numbers = outcome.numbers;
  for (const EpisodeRecord& episode : sink.episodes)
    numbers.insert(numbers.end(), {episode.episode_return, static_cast<double>(episode.length),
                                   static_cast<double>(episode.timestep)});
  for (const auto& row : sink.rows)
    for (const Scalar& scalar : row)
      if (scalar.name != "time/fps" && scalar.name != "time/seconds") numbers.push_back(scalar.value);
  numbers.insert(numbers.end(),
                 {result.eval.mean, result.eval.std, static_cast<double>(result.timesteps),
                  static_cast<double>(result.gradient_updates), static_cast<double>(result.model_timestep)});
  numbers.insert(numbers.end(), trainer.observation_mean().begin(), trainer.observation_mean().end());
  return outcome;
}

TrainConfig longer_training() {
  TrainConfig config = test::short_training();
  config.total_timesteps = 800;
  config.network = "dense 32, relu, dense 32, relu";
  config.batch_size = 48;
  config.eval_frequency = 400;
  config.eval_episodes = 3;
  config.final_eval_episodes = 5;
  return config;
}

TrainConfig everything_at_once() {
  TrainConfig config = longer_training();
  config.num_envs = 3;
  config.dueling = true;
  config.double_dqn = true;
  config.prioritized = true;
  config.n_step = 3;
  config.normalize_observation = true;
  config.max_grad_norm = 5;
  config.loss = LossKind::kHuber;
  config.tau = 0.1;
  return config;
}

/// Products large enough to be shared out.
TrainConfig wide_network() {
  TrainConfig config = longer_training();
  config.total_timesteps = 250;
  config.network = "dense 256, relu, dense 256, relu";
  config.train_frequency = 15;
  config.batch_size = 256;
  config.log_frequency = 10;
  return config;
}

TEST_CASE("same seed, same bits, run after run and for 1, 2 and 4 threads") {
  for (const TrainConfig& config : {longer_training(), everything_at_once(), wide_network()}) {
    const Remains first = outcome_of(config, 1);
    CHECK(first.numbers.size() > 100);
    CHECK(first == outcome_of(config, 1));
    CHECK(first == outcome_of(config, 2));
    CHECK(first == outcome_of(config, 4));
  }
}

/// CartPole without its batch.
class OneByOne final : public Env {
 public:
  const EnvSpec& spec() const override { return env_->spec(); }
  void seed(const RandomStream& stream) override { env_->seed(stream); }
  void reset() override { env_->reset(); }
  StepResult step(int action) override { return env_->step(action); }
  void observe(std::span<float> out) const override { env_->observe(out); }
  std::vector<double> state() const override { return env_->state(); }
  void set_state(std::span<const double> state) override { env_->set_state(state); }
  void set_physical_state(std::span<const double> values) override { env_->set_physical_state(values); }

 private:
  std::unique_ptr<Env> env_ = make_env({});
};

TEST_CASE("same bits whether CartPoles are stepped in a batch or one by one") {
  for (TrainConfig config : {longer_training(), everything_at_once()})
    for (const Index num_envs : {8, 19}) {
      config.num_envs = num_envs;
      config.total_timesteps = 2'000;
      const EnvFactory one_by_one = [] { return std::make_unique<OneByOne>(); };
      CHECK(outcome_of(config, 1) ==
            outcome_of(config, 1, {.make_env = one_by_one, .make_learner = nullptr}));
    }
}

TEST_CASE("another seed, another run") {
  TrainConfig config = longer_training();
  const Remains first = outcome_of(config, 1);
  config.seed = 2;
  CHECK(!(first == outcome_of(config, 1)));
}

TEST_CASE("the loop allocates nothing: twice the steps take no more allocations") {
  for (TrainConfig config : {longer_training(), everything_at_once()}) {
    const auto allocations_of = [&config](Index total_timesteps) {
      config.total_timesteps = total_timesteps;
      CpuBackend backend;
      Trainer trainer(config, backend);
      const std::size_t before = test::allocations();
      trainer.run();
      return test::allocations() - before;
    };
    CHECK(allocations_of(400) == allocations_of(800));
  }
}

}  // namespace
}  // namespace bellman
