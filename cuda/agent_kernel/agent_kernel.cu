// The kernel of a population: block k loads agent k's control and settings into shared memory, makes the
// launch's ticks (agent_loop.cuh), and stores the control. On a GPU it is unmeasured.
#include "cuda/agent_kernel/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// Fills in what the learn step needs of an agent, except what changes from step to step.
__device__ void describe_work(LearnWork& work, const AgentLaunch& given, const AgentSettings& settings,
                              unsigned char* block) {
  const AgentPlaces& at = given.places;
  const auto floats = [block](Index where) { return reinterpret_cast<float*>(block + where); };
  const auto ints = [block](Index where) { return reinterpret_cast<std::int32_t*>(block + where); };
  const auto doubles = [block](Index where) { return reinterpret_cast<double*>(block + where); };
  work.replay = {floats(at.observations), nullptr,
                 ints(at.actions),        ints(at.next_slots),
                 floats(at.n_rewards),    floats(at.discounts),
                 floats(at.terminated)};
  work.online = floats(at.online);
  work.target = floats(at.target);
  work.m = floats(at.m);
  work.v = floats(at.v);
  work.gradients = nullptr;
  work.m_outside = floats(at.outside);
  work.v_outside = work.m_outside + given.layout.parameters;
  work.target_outside = work.v_outside + given.layout.parameters;
  work.td_error = floats(at.td_error);
  work.loss = floats(at.loss);
  work.norm = floats(at.norm);
  work.guard = ints(at.guard);
  work.sums = doubles(at.sums);
  work.report = doubles(at.report);
  work.slot = ints(at.slots);
  work.weight = given.prioritized ? floats(at.weights) : nullptr;
  work.steps = 1;
  work.target_tau = 0;
  set_options(work, settings.learner);
}

template <bool target_shared>
__global__ void __launch_bounds__(kFusedLaunchBound)
    agent_kernel(const BELLMAN_GRID_CONSTANT AgentLaunch given) {
  BELLMAN_DYNAMIC_SHARED(float, shared);
  AgentShared& own = *reinterpret_cast<AgentShared*>(shared + given.layout.shared_bytes / 4);
  AgentControl& control = given.controls[blockIdx.x];
  const AgentPhase phase = control.counts.phase;
  if (phase == AgentPhase::kIdle || phase >= AgentPhase::kFinished) return;
  if (threadIdx.x == 0) {
    own.control[0] = control;
    own.settings = given.settings[blockIdx.x];
    own.learned = 0;
    own.eval_running = static_cast<int>(control.counts.eval_running);
    describe_work(own.work, given, own.settings, block_of(given, blockIdx.x));
  }
  // The learner's first barrier publishes the control, the settings and the work. Where moments lie outside,
  // the learner needs their address before that.
  if (given.layout.place != FusedPlace::kAllShared) __syncthreads();
  AgentLoop<target_shared> loop(given, own, shared);
  loop.run();
  if (threadIdx.x != 0) return;
  control = loop.now();
  control.counts.eval_running = own.eval_running;
}

}  // namespace

int agent_shared_bytes() { return static_cast<int>((sizeof(AgentShared) + 15) / 16 * 16); }

void run_agents(Stream& stream, const AgentLaunch& given, Index agents) {
  const bool target_shared = given.layout.place != FusedPlace::kMomentsAndTargetOutside;
  launch(stream, target_shared ? agent_kernel<true> : agent_kernel<false>,
         dim3(static_cast<unsigned>(agents)), dim3(kFusedThreads),
         static_cast<std::size_t>(given.layout.shared_bytes) + sizeof(AgentShared), given);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
