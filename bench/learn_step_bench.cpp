// One gradient step of DQN, op by op and fused: both networks' passes, target, loss, backward pass, the look
// for numbers that are not finite, Adam. Sampling from the replay is not in it (sampled_step_bench).
// `x_floor` says how many times as long it takes as its multiply-adds alone would at this core's peak.
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/close_to.h"
#include "bench/roof.h"
#include "core/cpu/cpu_backend.h"
#include "core/initialisers.h"
#include "core/network.h"
#include "core/optimizer.h"
#include "core/reference/reference_backend.h"
#include "core/rng.h"
#include "rl/batch_arrays.h"
#include "rl/fused_learner.h"

namespace {

using namespace bellman;

struct Workload {
  const char* network;
  Shape observation;
  Index batch;
};

const Workload kWorkloads[] = {
    {"dense 64, relu, dense 64, relu, dense 2", {4}, 64},
    {"dense 120, relu, dense 84, relu, dense 2", {4}, 128},
    {"dense 256, relu, dense 256, relu, dense 4", {8}, 128},
    {"conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, relu, "
     "dense 6",
     {4, 84, 84},
     32},
};

std::vector<float> uniform(Index n, std::uint32_t index, float low, float high) {
  RandomSequence random(RandomStream{1, Purpose::kTest, index});
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = static_cast<float>(random.uniform(low, high));
  return values;
}

/// The step over numbers of type T: float to time it, double for what is right.
template <class T>
class LearnStep {
 public:
  LearnStep(BasicBackend<T>& backend, const Workload& workload, Index batch)
      : backend_(backend),
        network_(workload.network, workload.observation),
        online_(backend, network_.layout()),
        target_(backend, network_.layout()),
        gradients_(backend, network_.layout()),
        pass_(backend, network_, batch, true),
        next_pass_(backend, network_, batch, false),
        optimizer_(backend, network_.layout(), AdamOptions{}),
        batch_(batch),
        scalars_(backend, static_cast<std::size_t>(16 * batch) * sizeof(T)),
        actions_(backend, static_cast<std::size_t>(batch) * sizeof(std::int32_t)),
        guard_(backend, kGuardWords * sizeof(std::int32_t)) {
    initialise(backend, online_, network_, Initialiser::kPytorch, 1);
    initialise(backend, target_, network_, Initialiser::kPytorch, 2);
    const Index inputs = batch * network_.input_shape().elements();
    upload(pass_.activation(0, batch), uniform(inputs, 1, -1, 1));
    upload(next_pass_.activation(0, batch), uniform(inputs, 2, -1, 1));
    upload(scalar(kReward), uniform(batch, 3, -1, 1));
    upload(scalar(kDiscount), std::vector<float>(static_cast<std::size_t>(batch), 0.99F));
    upload(scalar(kWeight), std::vector<float>(static_cast<std::size_t>(batch), 1.0F));
    std::vector<std::int32_t> actions(static_cast<std::size_t>(batch));
    for (std::size_t n = 0; n < actions.size(); ++n) actions[n] = static_cast<std::int32_t>(n % 2);
    backend.upload(actions_.data(), actions.data(), actions_.bytes());
  }

  void run() {
    const auto q_next = network_.forward(backend_, next_pass_, target_, batch_);
    const auto q = network_.forward(backend_, pass_, online_, batch_);
    backend_.td_target(scalar(kTarget), q_next, {}, scalar(kReward), scalar(kDiscount), scalar(kTerminated));
    backend_.td_loss(pass_.d_activation(network_.layers(), batch_), scalar(kTdError),
                     scalars_.template view<T>({1}, kLoss * bytes()), q,
                     actions_.template view<const std::int32_t>({batch_}), scalar(kTarget), scalar(kWeight),
                     LossKind::kMeanSquaredError, T(1));
    backend_.fill(gradients_.flat(), T(0));
    network_.backward(backend_, pass_, online_, gradients_, batch_);
    const IntTensor guard = guard_.template view<std::int32_t>({kGuardWords});
    backend_.guard_step(guard, scalars_.template view<T>({1}, kLoss * bytes()), gradients_.flat(),
                        Holding::kForGood);
    optimizer_.step(online_, gradients_, T(1e-3), guard);
  }

  std::vector<T> gradients() const { return download(gradients_.flat()); }
  std::vector<T> td_errors() const { return download(scalar(kTdError)); }
  double multiply_adds() const requires std::is_same_v<T, float> {
    return bench::multiply_adds_of_learn_step(network_, batch_);
  }

 private:
  enum Scalar { kReward, kDiscount, kTerminated, kWeight, kTarget, kTdError, kLoss };

  std::size_t bytes() const { return static_cast<std::size_t>(batch_) * sizeof(T); }
  TensorView<T> scalar(Scalar which) const { return scalars_.template view<T>({batch_}, which * bytes()); }
  void upload(TensorView<T> to, const std::vector<float>& values) {
    const std::vector<T> converted(values.begin(), values.end());
    backend_.upload(to.data(), converted.data(), converted.size() * sizeof(T));
  }
  std::vector<T> download(TensorView<T> from) const {
    std::vector<T> values(static_cast<std::size_t>(from.elements()));
    backend_.download(values.data(), from.data(), values.size() * sizeof(T));
    return values;
  }

  BasicBackend<T>& backend_;
  BasicNetwork<T> network_;
  BasicArena<T> online_, target_, gradients_;
  BasicWorkspace<T> pass_, next_pass_;
  BasicOptimizer<T> optimizer_;
  Index batch_;
  Block<T> scalars_, actions_, guard_;
};

/// The same step by the fused learner, which takes its observations from a replay.
class FusedStep {
 public:
  FusedStep(CpuBackend& backend, const Workload& workload, Index batch, const cpu::fused::Kernels& kernels)
      : network_(workload.network, workload.observation),
        learner_(backend, network_, options(batch), kernels),
        arrays_(batch),
        td_errors_(static_cast<std::size_t>(batch)) {
    learner_.set_parameters(parameters(backend, 2));
    learner_.update_target(1.0F);
    learner_.set_parameters(parameters(backend, 1));
    const auto width = static_cast<std::size_t>(network_.input_shape().elements());
    const Index inputs = batch * network_.input_shape().elements();
    const std::vector<float> s = uniform(inputs, 1, -1, 1), s_next = uniform(inputs, 2, -1, 1);
    arrays_.rewards = uniform(batch, 3, -1, 1);
    for (std::size_t n = 0; n < td_errors_.size(); ++n) {
      arrays_.slots[n] = static_cast<Index>(2 * n);
      arrays_.next_slots[n] = static_cast<Index>(2 * n + 1);
      learner_.store(arrays_.slots[n], std::span(s).subspan(n * width, width));
      learner_.store(arrays_.next_slots[n], std::span(s_next).subspan(n * width, width));
      arrays_.actions[n] = static_cast<std::int32_t>(n % 2);
      arrays_.discounts[n] = 0.99F;
    }
  }

  void run() { learner_.learn(arrays_.first(arrays_.capacity()), 1e-3F, td_errors_); }

  std::vector<float> gradients() const {
    const auto all = learner_.gradients().flat().host();
    return {all.begin(), all.end()};
  }
  const std::vector<float>& td_errors() const { return td_errors_; }
  double multiply_adds() const { return bench::multiply_adds_of_learn_step(network_, arrays_.capacity()); }

 private:
  static LearnerOptions options(Index batch) {
    LearnerOptions options;
    options.slots = 2 * batch;
    options.max_batch = batch;
    return options;
  }
  std::vector<float> parameters(CpuBackend& backend, std::uint64_t seed) const {
    const Arena arena(backend, network_.layout());
    initialise(backend, arena, network_, Initialiser::kPytorch, seed);
    const auto all = arena.flat().host();
    return {all.begin(), all.end()};
  }

  Network network_;
  FusedLearner learner_;
  BatchArrays arrays_;
  std::vector<float> td_errors_;
};

/// Gradients and TD errors of a first step, against the definitions in double. A few samples are enough, of
/// which the definitions are slow to learn. `step_of(batch)` makes what is timed.
template <class StepOf>
bool is_right(const Workload& workload, StepOf step_of) {
  const Index batch = workload.observation.rank() == 3 ? 2 : workload.batch;
  ReferenceBackend<double> definition;
  auto actual = step_of(batch);
  LearnStep<double> expected(definition, workload, batch);
  actual.run();
  expected.run();
  return bench::close_to<float, double>(actual.gradients(), expected.gradients()) &&
         bench::close_to<float, double>(actual.td_errors(), expected.td_errors());
}

/// Times step_of(batch).run() against the floor, once it is known to be right.
template <class StepOf>
void time_step(benchmark::State& state, const Workload& workload, StepOf step_of) {
  if (!is_right(workload, step_of)) return state.SkipWithError("gradients are not those of the definitions");
  auto step = step_of(workload.batch);
  for (auto _ : state) step.run();
  using benchmark::Counter;
  const double work = step.multiply_adds();
  state.counters["GFLOP/s"] = Counter(2e-9 * work, Counter::kIsIterationInvariantRate);
  state.counters["floor_us"] = Counter(1e6 * bench::floor_seconds(work));
  state.counters["x_floor"] =
      Counter(bench::floor_seconds(work), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

std::string label(const Workload& workload) {
  return std::string(workload.network) + ", batch " + std::to_string(workload.batch);
}

void learn_step(benchmark::State& state) {
  const Workload& workload = kWorkloads[state.range(0)];
  CpuBackend backend(static_cast<int>(state.range(1)), static_cast<CpuBackend::Products>(state.range(2)));
  time_step(state, workload, [&](Index batch) { return LearnStep<float>(backend, workload, batch); });
  state.SetLabel(label(workload));
}

/// From the slots that were sampled: gathering s and s' is in it.
void fused_learn_step(benchmark::State& state) {
  const Workload& workload = kWorkloads[state.range(0)];
  const auto all = cpu::fused::usable_kernels();
  const auto place = static_cast<std::size_t>(state.range(1));
  if (place >= all.size()) return state.SkipWithError("this processor has no such instruction set");
  CpuBackend backend;
  time_step(state, workload, [&](Index batch) { return FusedStep(backend, workload, batch, *all[place]); });
  state.SetLabel(label(workload) + ", " + all[place]->name);
}

constexpr auto kEigen = static_cast<std::int64_t>(CpuBackend::Products::kEigen);
constexpr auto kTiled = static_cast<std::int64_t>(CpuBackend::Products::kTiled);

BENCHMARK(learn_step)
    ->ArgNames({"workload", "threads", "tiled"})
    ->ArgsProduct({{0, 1, 2, 3}, {1}, {kEigen, kTiled}})
    ->Unit(benchmark::kMicrosecond);
// The fastest instruction set first.
BENCHMARK(fused_learn_step)
    ->ArgNames({"workload", "instructions"})
    ->ArgsProduct({{0, 1, 2}, {0, 1, 2}})
    ->Unit(benchmark::kMicrosecond);
// With several threads the time that counts is the clock's.
BENCHMARK(learn_step)
    ->ArgNames({"workload", "threads", "tiled"})
    ->ArgsProduct({{0, 2, 3}, {2}, {kTiled}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
