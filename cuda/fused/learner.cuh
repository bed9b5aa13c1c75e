// Gradient steps of DQN by one block, which keeps parameters, gradients, target and moments in its shared
// memory (cuda/fused/dqn_layout.h) from the first step to the last:
//
//   x_0 = s, x'_0 = s'                                        gathered from the replay
//   x_l = f_l(x_(l-1) w_l^T + b_l)                            l = 1 .. L; x' with the target network's w, b
//   y = r + gamma^k (1 - terminated) x'_L[a*]                 a* = arg max of x'_L, or of the online one's
//                                                             (Double DQN: van Hasselt et al. 2016)
//   d = y - x_L[a],   dL/dx_L[a] = -weight l'(d) / B          l: squared error or Huber's
//   (cuda/ops/q_learning.cu) dL/dw_l = dy_l^T x_(l-1),  dL/db_l = sum of dy_l          dy_l: the gradient before
//   f_l dy_(l-1) = (dy_l w_l) f'_(l-1)                            l = L .. 2 g <- g min(1, max_norm / (|g| +
//   1e-6)), then Adam         unless g or L is not finite (core/ops/step_guard.h)
//
// Who computes what: the products' tiles of a phase are dealt out to all 512 threads (cuda/fused/tile.cuh);
// sample n of the batch is thread n's where Q-values become an error; parameters are dealt out by fours. What
// all threads must agree in, whether the step is applied and by how much it is clipped, each works out for
// itself from the warps' sums, in the same order.
//
// The barriers of a step, 2 L + 2 of them, stand where one thread reads what others have written:
//   after each layer forward    the next layer reads its output
//   after the errors            dy_L
//   after each layer backward   dy_(l-1); after the first layer: all gradients, and the sums of their squares
//   after Adam                  the parameters, and the next batch, which came in meanwhile
// and what is overwritten was last read before an earlier one: x_l before the one after layer l backward;
// x'_l, whose place dy_l takes, before the one after layer l + 1 forward; x'_L by the very thread that writes
// dy_L there, and the warps' sums two phases before they are written again.
//
// On a GPU it is unmeasured. A step of 4-64-64-2 with 64 samples is 1.13 million multiply-adds, 5.0
// microseconds of one H100 multiprocessor's arithmetic.
#pragma once

#include <cstdint>

#include "cuda/fused/dqn_layout.h"
#include "cuda/fused/learn_work.h"
#include "cuda/fused/q_row.cuh"
#include "cuda/fused/tile.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// What of a batch comes straight from the replay into a thread's registers: numbers of its observations, and
/// the rest of the transition of the sample that is the thread's.
struct Fetched {
  static constexpr int kNumbers = 4;
  float number[kNumbers];
  std::int32_t action;
  float reward, discount, weight;  // discount: 0 where terminated
};

/// The kernels' part of it: a block of kFusedThreads threads, all of which call everything here. Where the
/// target network lies is known when this is compiled, since the products read it; where the moments lie is
/// not: Adam alone reads them, once a step.
template <bool target_shared>
class FusedLearner {
 public:
  __device__ __forceinline__ FusedLearner(const DqnLayout& layout, const LearnWork& work, float* shared)
      : work_(work),
        layout_(layout),
        shared_(shared),
        online_(shared + layout_.online),
        gradient_(shared + layout_.gradient),
        sums_(*reinterpret_cast<FusedSums*>(shared + layout_.sums)),
        thread_(static_cast<int>(threadIdx.x)) {}

  /// Takes the networks and moments from the arenas into the block.
  __device__ __forceinline__ void open() {
    clear();
    __syncthreads();  // the padding's zeros are there before what lies between them
    load();
  }
  /// The steps that the work names. Begins with what no barrier has followed yet, and ends with one.
  __device__ __forceinline__ void learn();
  /// Puts networks and moments back into the arenas; the target network where it may have changed.
  __device__ __forceinline__ void close(bool target_changed) const { store(target_changed); }
  /// The last step's gradients, after clipping.
  __device__ __forceinline__ void put_gradients() const;

  // ---- between steps (learner_between.cuh), after a barrier
  /// observed(n, i): number i of row n < samples. Their Q-values by the online network are there afterwards.
  template <class Observed>
  __device__ void act(int samples, Observed observed);
  __device__ QRow q_values(int n) const;
  /// How many rows act() takes at once.
  __device__ __forceinline__ int rows() const { return layout_.rows; }
  /// target <- tau online + (1 - tau) target.
  __device__ void sync_target(float tau);
  /// The online network's parameters, into an arena and back.
  __device__ void put_online(float* arena) const;
  __device__ void take_online(const float* arena);
  /// The last step was not applied, or left what is not finite. The same in all threads.
  __device__ __forceinline__ bool failed() const { return held_ || overflowed_; }

 private:
  // ---- between the arenas and the padded parameters (learner_parameters.cuh)
  __device__ void clear();
  /// f(place in the arena, place among the padded parameters) for each parameter.
  template <class F>
  __device__ void for_each_parameter(F f) const;
  __device__ void load();
  __device__ void store(bool target_changed) const;
  /// Adam, unless the step is held, and the target's update; both as cuda/ops/optimizers.cu and
  /// cuda/ops/arena_ops.cu.
  __device__ void update_parameters(bool sync);

  // ---- the batch (learner_batch.cuh)
  /// How many rows the piece from sample `first` on has: samples, then zeros up to a multiple of 4.
  __device__ __forceinline__ int samples_from(int first) const {
    return min(layout_.rows, layout_.batch - first);
  }
  __device__ __forceinline__ int rows_from(int first) const { return (samples_from(first) + 3) / 4 * 4; }
  /// Number i of s, then s', of the piece's rows.
  __device__ float observed(int i, int first, const std::int32_t* slots) const;
  __device__ void place_observed(int i, float number, int first);
  /// Only reads, so that it can stand before work that hides how long that takes.
  __device__ Fetched fetch_batch(Index step, int first) const;
  __device__ void store_batch(const Fetched& fetched, Index step, int first);

  // ---- a piece of the batch: gradients are added up over the pieces (learner_passes.cuh)
  __device__ void learn_from(Index step, int first, double& loss, double& q);
  /// Of rows of `in_samples` and a network's padded parameters; `split`: of the layer's, the one that is
  /// meant.
  __device__ ForwardProduct forward_product(const FusedLayer& layer, int in_samples, int out_samples,
                                            const float* parameters, int rows, int split) const;
  __device__ void run_forward(const FusedLayer& layer, int rows);
  __device__ __forceinline__ bool chooses_apart() const {
    return work_.dqn.double_dqn && work_.dqn.target_network;
  }
  /// dy_L, the thread's share of the loss, and its TD error.
  __device__ void find_errors(int first, double& loss, double& mean_q);
  __device__ void tell_losses(double loss, double q);
  /// Adam's bias corrections, by a thread that has nothing else to do then. Steps that were held do not
  /// count.
  __device__ void tell_corrections(Index step);
  __device__ void tell_squares(double squares);
  __device__ void run_backward(const FusedLayer& layer, int l, int rows, bool accumulate, double& squares);

  // ---- the step (learner_step.cuh)
  __device__ void finish(Index step);
  /// After a barrier: what the step has come to.
  __device__ void look_back(Index step);
  /// 1 + the first place of the gradient, in the arena, whose number is not finite. Rare, so a thread looks
  /// by itself.
  __device__ int first_bad_place() const;
  /// As cuda/ops/acting_and_telling.cu.
  __device__ void tell(float loss, float norm, double q) const;
  /// As cuda/ops/acting_and_telling.cu: the sample of the largest error, NaN before all.
  __device__ void report(Index step, float loss) const;

  // Asked for where they are needed: what lies outside has addresses that would take registers in between.
  __device__ __forceinline__ float* target_numbers() const {
    return target_shared ? shared_ + layout_.target : work_.target_outside;
  }
  __device__ __forceinline__ float* first_moments() const {
    return layout_.place == FusedPlace::kAllShared ? shared_ + layout_.m : work_.m_outside;
  }
  __device__ __forceinline__ float* second_moments() const {
    return layout_.place == FusedPlace::kAllShared ? shared_ + layout_.v : work_.v_outside;
  }

  const LearnWork& work_;
  const DqnLayout& layout_;
  float* const shared_;
  float *const online_, *const gradient_;
  FusedSums& sums_;
  const int thread_;
  Fetched sample_;  // of the thread's sample in the piece at hand
  // The guard, the same in all threads.
  bool held_ = false, overflowed_ = false;
  int skipped_ = 0;
  float factor_ = 1.0F;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

// The sections.
#include "cuda/fused/learner_batch.cuh"
#include "cuda/fused/learner_between.cuh"
#include "cuda/fused/learner_parameters.cuh"
#include "cuda/fused/learner_passes.cuh"
#include "cuda/fused/learner_step.cuh"
