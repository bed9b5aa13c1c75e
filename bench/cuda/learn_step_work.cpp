#include "bench/cuda/learn_step_work.h"

#include <algorithm>
#include <cstdint>
#include <thread>
#include <utility>

#include "bench/close_to.h"
#include "core/cpu/cpu_backend.h"

namespace bellman::bench {
namespace {

constexpr Index kActions = 2;  // of the smallest network: all have these
constexpr Index kSlots = 4096;
constexpr int kSteps = 2000;

template <class T>
void put(Backend& backend, TensorView<T> to, const std::vector<T>& values) {
  backend.upload(to.data(), values.data(), values.size() * sizeof(T));
}

}  // namespace

std::vector<Workload> learn_step_workloads() {
  const std::vector<Workload> dense = dense_workloads();
  return {dense.front(), dense.back(), nature_dqn()};
}

LearnerOptions learn_step_options(const Workload& work) {
  LearnerOptions options;
  options.max_batch = work.batch;
  if (work.observation.rank() == 3) options.observation_type = ObservationType::kUint8;
  return options;
}

BatchStep::BatchStep(Backend& backend, const Network& network, const Workload& work)
    : backend_(backend), network_(network), work_(work), update_(backend, network, learn_step_options(work)) {
  const DqnUpdate::Batch batch = update_.batch(work.batch);
  const auto n = static_cast<std::size_t>(work.batch);
  put(backend, batch.observations, uniform(batch.observations.elements(), 1, -1, 1));
  put(backend, batch.next_observations, uniform(batch.next_observations.elements(), 2, -1, 1));
  put(backend, batch.transitions.reward, uniform(work.batch, 3, -1, 1));
  put(backend, batch.transitions.discount, std::vector<float>(n, 0.99F));
  put(backend, batch.weights, std::vector<float>(n, 1.0F));
  std::vector<std::int32_t> actions(n);
  std::vector<float> terminated(n);
  for (std::size_t i = 0; i < n; ++i) {
    actions[i] = static_cast<std::int32_t>(i % kActions);
    terminated[i] = i % 5 == 0 ? 1.0F : 0.0F;
  }
  put(backend, batch.transitions.action, actions);
  put(backend, batch.transitions.terminated, terminated);
}

bool BatchStep::is_that_of_cpu() const {
  CpuBackend cpu(static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 16U)));
  BatchStep expected(cpu, network_, work_);
  expected.run();
  return close_to<float, float>(gradients(), expected.gradients()) &&
         close_to<float, float>(td_errors(), expected.td_errors());
}

std::vector<float> BatchStep::fetch(ConstTensor tensor) const {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  backend_.download(values.data(), tensor.data(), values.size() * sizeof(float));
  return values;
}

FusedBatchSteps::FusedBatchSteps(DeviceBackend& backend, const Network& network, const Workload& work,
                                 Index steps)
    : batch_(backend, network, work), size_(work.batch), steps_(steps) {
  FusedDqnOps* const ops = backend.fused_dqn_ops();
  if (!ops) fail("the device has no fused learn step");
  DenseChain chain;
  const std::string unknown = describe_dense_chain(chain, network);
  if (!unknown.empty()) fail("no fused learn step of this network: ", unknown);
  const auto bytes = [](Index count) { return static_cast<std::size_t>(count) * sizeof(float); };
  observations_ = Block<float>(backend, bytes(2 * size_ * chain.inputs));
  next_slots_ = Block<float>(backend, bytes(size_));
  slots_ = Block<float>(backend, bytes(steps * size_));
  report_ = Block<float>(backend, kReportWords * sizeof(double));
  sums_ = Block<float>(backend, 4 * sizeof(double));
  // s lies in the slots 0 .. B - 1, s' in those after.
  const DqnUpdate::Batch batch = batch_.update_.batch(size_);
  const Tensor rows = observations_.view<float>({2 * size_, chain.inputs});
  backend.copy(rows.data(), batch.observations.data(), bytes(size_ * chain.inputs));
  backend.copy(rows.data() + size_ * chain.inputs, batch.next_observations.data(),
               bytes(size_ * chain.inputs));
  std::vector<std::int32_t> next(static_cast<std::size_t>(size_)),
      all(static_cast<std::size_t>(steps * size_));
  for (std::size_t i = 0; i < next.size(); ++i) next[i] = static_cast<std::int32_t>(next.size() + i);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i % next.size());
  put(backend, next_slots_.view<std::int32_t>({size_}), next);
  put(backend, slots_.view<std::int32_t>({steps * size_}), all);
  FusedDqnMemory memory = batch_.update_.memory(size_);
  memory.transitions = batch.transitions;
  memory.transitions.next_slot = next_slots_.view<std::int32_t>({size_});
  memory.observations = rows;
  memory.report = report_.view<double>({kReportWords});
  memory.sums = sums_.view<double>({4});
  fused_ = ops->make_fused_dqn(chain, DqnUpdate::fused_options(learn_step_options(work)), memory);
}

void FusedBatchSteps::run() {
  fused_->learn({.slot = slots_.view<const std::int32_t>({steps_, size_}),
                 .learning_rate = 1e-3F,
                 .first_step = done_ + 1});
  done_ += steps_;
}

std::unique_ptr<Agent> agent_with_experience(Backend& backend, ReplayOps& ops, const Network& network,
                                             const Workload& work, bool prioritized, FusedDqnOps* fused) {
  const LearnerOptions options = learn_step_options(work);
  auto agent =
      std::make_unique<Agent>(device_agent(backend, ops, network, ReplayRing(kSlots, 1, 1, 0.99), options,
                                           {.prioritized = prioritized, .priorities = {}, .seed = 1}, fused));
  // Bytes are whole numbers. A few frames repeat, because drawing new ones would take longer than the
  // rest.
  constexpr std::size_t kFrames = 16;
  std::vector<std::vector<float>> frames;
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    frames.push_back(uniform(work.observation.elements(), 10 + i, 0, 1));
    if (options.observation_type == ObservationType::kUint8)
      for (float& pixel : frames.back()) pixel = static_cast<float>(static_cast<int>(256 * pixel) % 256);
  }
  agent->begin_episode(0, frames[0]);
  for (int step = 1; step <= kSteps; ++step)
    agent->add(0, static_cast<std::int32_t>(step % kActions), 1.0F, false, false,
               frames[static_cast<std::size_t>(step) % kFrames]);
  return agent;
}

}  // namespace bellman::bench
