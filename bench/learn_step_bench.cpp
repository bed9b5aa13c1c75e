// One gradient step of DQN on a fixed batch, op by op: both networks' passes, target, loss, backward pass, the
// check for numbers that are not finite, Adam. It times convolutions too, and each way of multiplying. For
// sampling and the fused learner: sampled_step_bench. `x_floor` is the ratio of the step's time to the time of
// its multiply-adds at this core's peak.
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/close_to.h"
#include "bench/loop_clock.h"
#include "bench/roof.h"
#include "bench/workloads.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/simd/kernels.h"
#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/reference/reference_backend.h"

namespace {

using namespace bellman;

/// The step over numbers of type T: float to time it, double for the expected values.
template <class T>
class LearnStep {
 public:
  LearnStep(BasicBackend<T>& backend, const bench::Workload& workload, Index batch)
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
    upload(pass_.activation(0, batch), bench::uniform(inputs, 1, -1, 1));
    upload(next_pass_.activation(0, batch), bench::uniform(inputs, 2, -1, 1));
    upload(scalar(kReward), bench::uniform(batch, 3, -1, 1));
    upload(scalar(kDiscount), std::vector<float>(static_cast<std::size_t>(batch), 0.99F));
    upload(scalar(kWeight), std::vector<float>(static_cast<std::size_t>(batch), 1.0F));
    std::vector<std::int32_t> actions(static_cast<std::size_t>(batch));
    for (std::size_t n = 0; n < actions.size(); ++n) actions[n] = static_cast<std::int32_t>(n % 2);
    backend.upload(actions_.data(), actions.data(), actions_.bytes());
  }

  void run() {
    const auto q_next = network_.forward(backend_, next_pass_, target_, batch_);
    const auto q = network_.forward(backend_, pass_, online_, batch_);
    backend_.td_target(scalar(kTarget),
                       {q_next, {}, scalar(kReward), scalar(kDiscount), scalar(kTerminated)});
    backend_.td_loss(pass_.d_activation(network_.layers(), batch_), scalar(kTdError),
                     scalars_.template view<T>({1}, kLoss * bytes()), q,
                     actions_.template view<const std::int32_t>({batch_}), scalar(kTarget), scalar(kWeight),
                     LossKind::kMeanSquaredError, T(1));
    backend_.fill(gradients_.flat(), T(0));
    network_.backward(backend_, pass_, online_, gradients_, batch_);
    const IntTensor guard = guard_.template view<std::int32_t>({kGuardWords});
    backend_.guard_step(guard, scalars_.template view<T>({1}, kLoss * bytes()), gradients_.flat(),
                        SkipPolicy::kForGood);
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

/// Gradients and TD errors of a first step, against the definitions in double. A few samples are
/// enough, since the definitions are slow.
bool is_right(const bench::Workload& workload, CpuBackend& backend) {
  const Index batch = workload.observation.rank() == 3 ? 2 : workload.batch;
  ReferenceBackend<double> definition;
  LearnStep<float> actual(backend, workload, batch);
  LearnStep<double> expected(definition, workload, batch);
  actual.run();
  expected.run();
  return bench::close_to<float, double>(actual.gradients(), expected.gradients()) &&
         bench::close_to<float, double>(actual.td_errors(), expected.td_errors());
}

void time_step(benchmark::State& state, const bench::Workload& workload, CpuBackend& backend,
               bench::LoopClock::Of of = bench::LoopClock::Of::kThread) {
  if (!is_right(workload, backend)) return state.SkipWithError("gradients are not those of the definitions");
  LearnStep<float> step(backend, workload, workload.batch);
  const bench::LoopClock clock(of);
  for (auto _ : state) step.run();
  bench::show_against_floor(state, step.multiply_adds(), clock.per_iteration(state));
  state.SetLabel(workload.label());
}

/// With one instruction set's tiles, which convolutions and large dense layers use.
void nature_dqn_with(benchmark::State& state, const cpu::Kernels& kernels) {
  CpuBackend backend(1, CpuBackend::Products::kTiled, &kernels);
  time_step(state, bench::nature_dqn(), backend);
}

/// learn_step/NETWORK/threads:N/WAY OF MULTIPLYING. With several threads wall time counts.
void add_learn_step(const bench::Workload& workload, int threads, CpuBackend::Products products) {
  const bool tiled = products == CpuBackend::Products::kTiled;
  const std::string name =
      "learn_step/" + workload.name + "/threads:" + std::to_string(threads) + (tiled ? "/tiled" : "/eigen");
  auto* const registered = benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    CpuBackend backend(threads, products);
    time_step(state, workload, backend,
              threads > 1 ? bench::LoopClock::Of::kClock : bench::LoopClock::Of::kThread);
  });
  registered->Unit(benchmark::kMicrosecond);
  if (threads > 1) registered->UseRealTime();
}

void add_learn_steps() {
  std::vector<bench::Workload> all = bench::dense_workloads();
  all.push_back(bench::nature_dqn());
  for (const auto products : {CpuBackend::Products::kEigen, CpuBackend::Products::kTiled})
    for (const bench::Workload& workload : all) add_learn_step(workload, 1, products);
  for (const std::size_t i : {0, 2, 3}) add_learn_step(all[i], 2, CpuBackend::Products::kTiled);
}

}  // namespace

int main(int argc, char** argv) {
  add_learn_steps();
  for (const cpu::Kernels* kernels : cpu::usable_kernels().subspan(1))  // slower than the first
    benchmark::RegisterBenchmark((std::string("learn_step_with/") + kernels->name + "/nature_dqn").c_str(),
                                 [=](benchmark::State& state) { nature_dqn_with(state, *kernels); })
        ->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
