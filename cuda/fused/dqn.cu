// K gradient steps of DQN in one launch of one block (core/nn/fused_dqn.h); the arithmetic is
// cuda/fused/learner.cuh.
#include "core/base/check.h"
#include "core/nn/fused_dqn.h"
#include "core/ops/backend_ops.h"
#include "core/ops/replay_ops.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Launch {
  DqnLayout layout;
  LearnWork work;
};

template <bool target_shared>
__global__ void __launch_bounds__(kFusedLaunchBound)
    fused_dqn_kernel(const BELLMAN_GRID_CONSTANT Launch given) {
  BELLMAN_DYNAMIC_SHARED(float, shared);
  FusedLearner<target_shared> learner(given.layout, given.work, shared);
  learner.open();
  learner.learn();
  learner.close(given.work.target_tau != 0);
  learner.store_gradients();
}

using Kernel = void (*)(Launch);

Kernel kernel_for(FusedPlace place) {
  return place == FusedPlace::kMomentsAndTargetOutside ? fused_dqn_kernel<false> : fused_dqn_kernel<true>;
}

FusedReplay replay_of(const FusedDqnMemory& memory) {
  const TransitionTensors& t = memory.transitions;
  return {memory.observations.data(),
          memory.byte_observations.data(),
          t.action.data(),
          t.next_slot.data(),
          t.reward.data(),
          t.discount.data(),
          t.terminated.data()};
}

void check_fits(const DqnLayout& layout, const FusedDqnMemory& memory) {
  const Shape observations =
      memory.observations ? memory.observations.shape() : memory.byte_observations.shape();
  if (observations.rank() != 2 || observations[1] != layout.inputs)
    fail("fused_dqn: observations are ", observations, " but the network takes rows of ", layout.inputs);
  for (const Tensor& arena : {memory.online, memory.target, memory.m, memory.v, memory.gradients})
    if (arena.elements() < layout.arena)
      fail("fused_dqn: an arena of ", arena.elements(), " numbers, the network's tensors reach to ",
           layout.arena);
  if (memory.td_error.elements() != layout.batch)
    fail("fused_dqn: td_error is ", memory.td_error.shape(), " but the batch is ", layout.batch);
}

class DeviceFusedDqn final : public FusedDqn {
 public:
  DeviceFusedDqn(Stream& stream, const DqnLayout& layout, const FusedDqnOptions& options,
                 const FusedDqnMemory& memory, int most_shared_bytes)
      : stream_(stream),
        options_(options),
        memory_(memory),
        description_(describe(layout, most_shared_bytes)) {
    check_fits(layout, memory);
    const std::size_t padded = static_cast<std::size_t>(layout.parameters);
    if (layout.place != FusedPlace::kAllShared) outside_ = DeviceMemory(3 * padded * sizeof(float));
    auto* const outside = static_cast<float*>(outside_.data());
    launch_.layout = layout;
    LearnWork& work = launch_.work;
    work.replay = replay_of(memory);
    work.online = memory.online.data();
    work.target = memory.target.data();
    work.m = memory.m.data();
    work.v = memory.v.data();
    work.gradients = memory.gradients.data();
    work.m_outside = outside;
    work.v_outside = outside ? outside + padded : nullptr;
    work.target_outside = outside ? outside + 2 * padded : nullptr;
    work.td_error = memory.td_error.data();
    work.loss = memory.loss.data();
    work.norm = memory.norm.data();
    work.guard = memory.guard.data();
    work.sums = memory.sums.data();
    work.report = memory.report.data();
    set_options(work, options);
  }
  ~DeviceFusedDqn() override { stream_.finish(); }  // queued work uses its memory
  DeviceFusedDqn(const DeviceFusedDqn&) = delete;
  DeviceFusedDqn& operator=(const DeviceFusedDqn&) = delete;

  void learn(const FusedDqnSteps& steps) override {
    check(steps);
    LearnWork& work = launch_.work;
    work.slot = steps.slot.data();
    work.weight = steps.weight ? steps.weight.data() : nullptr;
    work.steps = steps.slot[0];
    work.first_step = steps.first_step;
    work.name = steps.name;
    work.adam = adam_numbers(options_.adam, steps.learning_rate);
    work.target_tau = steps.target_tau;
    launch(stream_, kernel_for(launch_.layout.place), dim3(1), dim3(kFusedThreads),
           static_cast<std::size_t>(launch_.layout.shared_bytes), launch_);
  }
  std::string description() const override { return description_; }

 private:
  void check(const FusedDqnSteps& steps) const {
    if (steps.slot.shape().rank() != 2 || steps.slot[0] < 1 || steps.slot[1] != launch_.layout.batch)
      fail("fused_dqn: slots are ", steps.slot.shape(), " but the batch is ", launch_.layout.batch);
    if (steps.weight && steps.weight.shape() != steps.slot.shape())
      fail("fused_dqn: weights are ", steps.weight.shape(), " but slots are ", steps.slot.shape());
    if (!(steps.target_tau >= 0 && steps.target_tau <= 1)) fail("fused_dqn: tau is ", steps.target_tau);
    check_adam_step(memory_.online, memory_.m, memory_.v, memory_.gradients, steps.learning_rate,
                    steps.first_step, options_.adam);
  }

  Stream& stream_;
  FusedDqnOptions options_;
  FusedDqnMemory memory_;
  std::string description_;
  DeviceMemory outside_;  // moments and target that do not fit
  Launch launch_ = {};
};

}  // namespace

std::string CudaBackend::fused_dqn_unsupported_reason(const DenseChain& chain,
                                                      const FusedDqnOptions& options) const {
  try {
    dqn_layout(chain, options, properties_.shared_bytes);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::unique_ptr<FusedDqn> CudaBackend::make_fused_dqn(const DenseChain& chain, const FusedDqnOptions& options,
                                                      const FusedDqnMemory& memory) {
  const int most_shared_bytes = properties_.shared_bytes;
  return std::make_unique<DeviceFusedDqn>(stream_, dqn_layout(chain, options, most_shared_bytes), options,
                                          memory, most_shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
