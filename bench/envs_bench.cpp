// Steps a second of every environment, through the interface that training uses: step, observe, reset when an
// episode is over. Everything is checked before it is timed.
//
//   envs_bench [--benchmark_format=json] [--benchmark_out=FILE]
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/base/check.h"
#include "envs/control/cartpole_step.h"
#include "envs/env.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/train/vector_env.h"

namespace bellman {
namespace {

constexpr std::size_t kActions = 4096;

/// Actions drawn in advance, so that drawing is not timed.
std::vector<int> random_actions(int num_actions) {
  std::vector<int> actions(kActions);
  for (std::size_t i = 0; i < kActions; ++i)
    actions[i] = static_cast<int>(
        uniform_index(random_words({1, Purpose::kTest, 0}, i)[0], static_cast<std::uint32_t>(num_actions)));
  return actions;
}

std::unique_ptr<Env> environment(const std::string& id, const std::string& observation) {
  EnvOptions options;
  options.id = id;
  options.observation = observation;
  auto env = make_env(options);
  env->seed({2, Purpose::kTest, 0});
  env->reset();
  return env;
}

// ---- checks

void check(bool holds, const std::string& what) {
  if (!holds) fail("envs_bench: ", what);
}

/// The environment's states are those of the bare step function.
void check_cartpole() {
  const auto env = environment("CartPole-v1", "one_hot");
  const std::vector<int> actions = random_actions(2);
  for (std::size_t i = 0; i < kActions; ++i) {
    const std::vector<double> s = env->state();
    const CartPole::State<double> expected = CartPole::step<double>({{s[0], s[1], s[2], s[3]}}, actions[i]);
    const StepResult result = env->step(actions[i]);
    const std::vector<double> next = env->state();
    double error = 0;
    for (std::size_t k = 0; k < 4; ++k) error += std::abs(next[k] - expected.at[k]);
    check(error <= 1e-14, "CartPole-v1 leaves its equations");
    check(result.terminated == (CartPole::terminated(expected) != 0), "CartPole-v1 ends at another place");
    if (result.terminated || result.truncated) env->reset();
  }
}

/// 1024 CartPoles, each in its first episode.
struct CartPoles {
  static constexpr Index kCopies = 1024;
  std::unique_ptr<BatchEnv> batch =
      make_batch_env([] { return make_env({}); }, kCopies, {2, Purpose::kTest, 0});
  std::vector<float> observations = std::vector<float>(4 * kCopies);
  std::vector<StepResult> results = std::vector<StepResult>(kCopies);
  std::vector<int> actions = random_actions(2);

  CartPoles() {
    for (Index e = 0; e < kCopies; ++e) batch->reset(observations, {&e, 1});
  }
  /// Resets the environments whose episodes ended.
  void step(std::size_t t) {
    const std::span<const int> these = std::span(actions).subspan(t * 7 % (kActions - kCopies), kCopies);
    batch->reset(observations, batch->step(results, observations, 0, these));
  }
};

/// A CartPole of the batch does what one alone does.
void check_cartpole_batch() {
  CartPoles many;
  const auto env = make_env({});
  env->seed({2, Purpose::kTest, 5});
  env->reset();
  for (std::size_t t = 0; t < kActions; ++t) {
    check(many.batch->state(5) == env->state(), "a batch of CartPoles leaves CartPole");
    const StepResult result = env->step(many.actions[t * 7 % (kActions - CartPoles::kCopies) + 5]);
    if (result.terminated || result.truncated) env->reset();
    many.step(t);
  }
}

/// Every step of a gridworld is an outcome of its table, and its observation shows the cell.
void check_gridworld(const std::string& id) {
  const auto env = environment(id, "one_hot");
  const TabularMdp& mdp = as_tabular(*env)->task().mdp;
  const std::vector<int> actions = random_actions(4);
  std::vector<float> observation(static_cast<std::size_t>(mdp.num_states()));
  for (std::size_t i = 0; i < kActions; ++i) {
    const auto before = static_cast<std::int32_t>(env->state()[0]);
    const StepResult result = env->step(actions[i]);
    const auto after = static_cast<std::int32_t>(env->state()[0]);
    bool possible = false;
    for (const Outcome& o : mdp.outcomes(before, actions[i]))
      possible = possible || (o.next == after && o.terminated == result.terminated);
    env->observe(observation);
    check(possible && observation[static_cast<std::size_t>(after)] == 1, id + " leaves its table");
    if (result.terminated || result.truncated) env->reset();
  }
}

// ---- timings

/// The bare equations, one step after the other: the floor of CartPole.
void cartpole_step_alone(benchmark::State& state) {
  const std::vector<int> actions = random_actions(2);
  CartPole::State<double> s = {};
  std::size_t i = 0;
  for (auto _ : state) {
    s = CartPole::step<double>(s, actions[i++ % kActions]);
    if (CartPole::terminated(s)) s = {};
  }
  benchmark::DoNotOptimize(s);
  state.SetItemsProcessed(state.iterations());
}

/// Episodes of random actions, some 22 steps long, resets included.
void cartpole_batch(benchmark::State& state) {
  CartPoles many;
  std::size_t t = 0;
  for (auto _ : state) many.step(t++);
  benchmark::DoNotOptimize(many.observations.data());
  state.SetItemsProcessed(state.iterations() * CartPoles::kCopies);
}

void env_step(benchmark::State& state, const std::string& id, const std::string& observation_kind) {
  const auto env = environment(id, observation_kind);
  const std::vector<int> actions = random_actions(env->spec().num_actions);
  std::vector<float> observation(static_cast<std::size_t>(env->spec().observation_shape.elements()));
  std::size_t i = 0;
  for (auto _ : state) {
    const StepResult result = env->step(actions[i++ % kActions]);
    env->observe(observation);
    if (result.terminated || result.truncated) env->reset();
  }
  benchmark::DoNotOptimize(observation.data());
  state.SetItemsProcessed(state.iterations());
}

/// Many CartPoles side by side, each ended episode started again: one iteration steps all of them.
void vector_step(benchmark::State& state) {
  const Index count = state.range(0);
  EnvOptions options;
  options.id = "CartPole-v1";
  VectorEnv envs([&] { return make_env(options); }, count, 2);
  for (Index e = 0; e < count; ++e) envs.reset(e);
  const std::vector<int> actions = random_actions(2);
  std::size_t i = 0;
  for (auto _ : state) {
    envs.step(std::span(actions).subspan(i++ * 7 % (kActions - static_cast<std::size_t>(count)),
                                         static_cast<std::size_t>(count)));
    for (Index e = 0; e < count; ++e)
      if (envs.result(e).terminated || envs.result(e).truncated) envs.reset(e);
    benchmark::DoNotOptimize(envs.observations().data());
  }
  state.SetItemsProcessed(state.iterations() * count);
}

void four_rooms_value_iteration(benchmark::State& state) {
  const GridTask task = grid_world_task(load_grid_map("four_rooms"), "four_rooms");
  for (auto _ : state) benchmark::DoNotOptimize(value_iteration(task.mdp, 0.99));
}

void register_all() {
  benchmark::RegisterBenchmark("cartpole_step", cartpole_step_alone);
  benchmark::RegisterBenchmark("cartpole_batch/1024", cartpole_batch);
  for (const EnvEntry& entry : env_entries()) {
    const std::string id(entry.id);
    const bool gridworld = as_tabular(*environment(id, "one_hot")) != nullptr;
    for (const std::string kind : {"one_hot", "coordinates", "planes"}) {
      if (!gridworld && kind != "one_hot") continue;
      const std::string name = gridworld ? id + "/" + kind : id;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [id, kind](benchmark::State& state) { env_step(state, id, kind); });
    }
  }
  benchmark::RegisterBenchmark("vector_env/CartPole-v1", vector_step)
      ->ArgName("envs")
      ->Arg(1024)
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("value_iteration/four_rooms", four_rooms_value_iteration);
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  try {
    bellman::check_cartpole();
    bellman::check_cartpole_batch();
    for (const char* id :
         {"FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "GridWorld-v0", "FourRooms-v0"})
      bellman::check_gridworld(id);
    bellman::register_all();
  } catch (const bellman::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
