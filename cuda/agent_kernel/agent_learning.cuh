// AgentLoop: the sampler, and learn steps on its draws. As UniformSampler and PrioritizedSampler
// (rl/replay/sampler.h), and cuda/ops/prioritized_replay.cu.
#pragma once

#include "core/ops/replay_ops.h"
#include "cuda/agent_kernel/agent_loop.cuh"
#include "cuda/base/rounded_double.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::update_sampler() {
  AgentCounts& counts = next().counts;
  const std::int32_t* const changes = of<std::int32_t>(at_.changes);
  const int envs = given_.ring.envs, each = given_.ring.changes_per_env();
  for (int i = 0; i < envs * each && !given_.prioritized; ++i) {
    if (changes[i] == kNoChange) continue;
    if (changes[i] >= 0)
      add_sampleable(changes[i]);
    else
      remove_sampleable(~changes[i]);
  }
  for (int env = 0; env < envs; ++env) {
    const std::int64_t length = of<std::int64_t>(at_.ended)[env];
    if (length == 0) continue;
    const std::int64_t place_of = counts.episodes++ % AgentKernel::kEpisodesKept;
    of<double>(at_.episode_returns)[place_of] = of<double>(at_.ended_returns)[env];
    of<std::int64_t>(at_.episode_lengths)[place_of] = length;
    of<std::int64_t>(at_.episode_timesteps)[place_of] = counts.timestep + env + 1;
  }
  counts.timestep += envs;
  ++counts.rounds;
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::add_sampleable(std::int32_t slot) {
  const auto last = static_cast<std::int32_t>(next().counts.sampleable++);
  of<std::int32_t>(at_.listed)[last] = slot;
  of<std::int32_t>(at_.listed_at)[slot] = last;
}

/// The last of the list takes the slot's place.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::remove_sampleable(std::int32_t slot) {
  std::int32_t* const listed = of<std::int32_t>(at_.listed);
  const std::int32_t last = listed[--next().counts.sampleable], there = of<std::int32_t>(at_.listed_at)[slot];
  listed[there] = last;
  of<std::int32_t>(at_.listed_at)[last] = there;
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::update_tree() {
  const std::int32_t* const changes = of<std::int32_t>(at_.changes);
  const double largest = deterministic_pow(now().numbers.max_priority, settings().priorities.alpha);
  set_leaves(of<double>(at_.nodes), given_.leaves, given_.depth,
             Index{given_.ring.envs} * given_.ring.changes_per_env(), own_.leaves, [=](Index n) {
               if (changes[n] == kNoChange) return LeafWeight{};
               return changes[n] >= 0 ? LeafWeight{changes[n], largest} : LeafWeight{~changes[n], 0.0};
             });
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::learn() {
  if (given_.prioritized ? of<double>(at_.nodes)[1] == 0 : next().counts.sampleable == 0) return;
  draw();
  __syncthreads();  // the slots and the step's numbers are complete
  if (thread_ == 0) ++own_.learned;
  if (given_.prioritized) compute_weights();
  learner_.learn();
  if (given_.prioritized && !learner_.failed()) update_priorities();
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::draw() {
  std::int32_t* const slots = of<std::int32_t>(at_.slots);
  const auto step = static_cast<std::uint64_t>(now().counts.gradient_updates + own_.learned);
  const int batch = given_.layout.batch;
  if (given_.prioritized) {
    const SumTreeView tree = {of<double>(at_.nodes), given_.leaves, given_.depth};
    const PrioritizedDraw options = {.seed = settings().seed, .learn_step = step};
    for (int n = thread_ / kWarp; n < batch; n += kFusedWarps) {
      const Index leaf = find_leaf(tree, stratified_mass(options, n, batch, tree.nodes[1]));
      if (thread_ % kWarp == 0) slots[n] = static_cast<std::int32_t>(leaf);
    }
  } else {
    const auto sampleable = static_cast<std::uint32_t>(next().counts.sampleable);
    for (int n = thread_; n < batch; n += kFusedThreads) {
      const RandomWords words =
          random_words({settings().seed, Purpose::kReplay, 0}, step, static_cast<std::uint32_t>(n / 4));
      // An index that is not known at compile time would put the words into local memory.
      const std::uint32_t high = n % 2 == 0 ? words[2] : words[3], low = n % 2 == 0 ? words[0] : words[1];
      slots[n] = of<std::int32_t>(at_.listed)[uniform_index(n % 4 < 2 ? low : high, sampleable)];
    }
  }
  if (thread_ != 0) return;
  LearnWork& work = own_.work;
  work.adam = adam_numbers(settings().learner.adam,
                           static_cast<float>(value_at(settings().learning_rate, steps_made())));
  work.first_step = static_cast<Index>(step) + 1;
  work.name = {step + 1, steps_made()};
}

/// weight[n] = (least / p_slot)^beta (Schaul et al. 2016, section 3.4). Thread n itself reads its weight in
/// the batch's first piece; in later pieces other threads do, after the first piece's barriers.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::compute_weights() {
  const std::int32_t* const slots = of<std::int32_t>(at_.slots);
  const double* const leaves = of<double>(at_.nodes) + given_.leaves;
  const int batch = given_.layout.batch;
  for (int n = thread_; n < batch; n += kFusedThreads) {
    double least = leaves[slots[0]];
    for (int i = 1; i < batch; ++i) least = Least{}(least, leaves[slots[i]]);
    of<float>(at_.weights)[n] = static_cast<float>(
        deterministic_pow(least / leaves[slots[n]], value_at(settings().beta, steps_made())));
  }
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::update_priorities() {
  double* const nodes = of<double>(at_.nodes);
  const std::int32_t* const slots = of<std::int32_t>(at_.slots);
  const float* const td_error = of<float>(at_.td_error);
  const PriorityPower power = settings().priorities;
  double largest = now().numbers.max_priority;
  set_leaves(nodes, given_.leaves, given_.depth, given_.layout.batch, own_.leaves, [&](Index n) {
    const double priority = fabs(static_cast<double>(td_error[n])) + power.epsilon;
    largest = Largest{}(largest, priority);
    return LeafWeight{slots[n], deterministic_pow(priority, power.alpha)};
  });
  largest = block_reduce(largest, own_.warps, Largest{});
  double& most = next().numbers.max_priority;
  if (thread_ == 0) most = Largest{}(most, largest);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
