// Gradient steps of DQN by one block, which keeps parameters, gradients, target and moments in its shared
// memory (cuda/fused/dqn_layout.h) from the first step to the last:
//
//   x_0 = s, x'_0 = s'                                        gathered from the replay
//   x_l = f_l(x_(l-1) w_l^T + b_l)                            l = 1 .. L; x' with the target network's w, b
//   y = r + gamma^k (1 - terminated) x'_L[a*]                 a* = arg max of x'_L, or of the online one's
//                                                             (Double DQN: van Hasselt et al. 2016)
//   d = y - x_L[a],   dL/dx_L[a] = -weight l'(d) / B          l: squared error or Huber's
//   dL/dw_l = dy_l^T x_(l-1),  dL/db_l = sum of dy_l          dy_l: the gradient before f_l
//   dy_(l-1) = (dy_l w_l) f'_(l-1)                            l = L .. 2
//   g <- g min(1, max_norm / (|g| + 1e-6)), then Adam         unless g or L is not finite (the step guard)
//
// Who computes what: all 512 threads share the tiles of a phase's products (cuda/fused/tile.cuh). Thread n
// computes the error of sample n. Each thread updates four neighbouring parameters at a time. All threads must
// agree whether the step is applied and how much it is clipped. Each computes this itself from the warps' sums,
// in the same order.
//
// A step has 2 L + 2 barriers, each where one thread reads what others have written:
//   after each layer forward    the next layer reads its output
//   after the errors            dy_L
//   after each layer backward   dy_(l-1); after the first layer: all gradients, and the sums of their squares
//   after Adam                  the parameters, and the next batch, which was fetched meanwhile
// What is overwritten was last read before an earlier barrier:
//   x_l                           before the one after layer l backward
//   x'_l, whose place dy_l takes  before the one after layer l + 1 forward
//   x'_L                          by the very thread that writes dy_L there
//   the warps' sums               two phases before they are written again
//
// It has not been measured on a GPU. A step of 4-64-64-2 with 64 samples is 1.13 million multiply-adds, 5.0
// microseconds of one H100 multiprocessor's arithmetic.
#pragma once

#include <cstdint>

#include "cuda/fused/dqn_layout.h"
#include "cuda/fused/learn_work.h"
#include "cuda/fused/tile.cuh"
#include "cuda/ops/q_values.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// What a thread fetches of a batch from the replay into registers: some numbers of the observations, and of its
/// own sample the rest of the transition.
struct Fetched {
  static constexpr int kNumbers = 4;
  float number[kNumbers];
  std::int32_t action;
  float reward, discount, weight;  // discount: 0 where terminated
};

/// A gradient step by one block. All of its kFusedThreads threads call every function here. A template parameter
/// says whether the target network lies in shared memory, since the products read it. None says where the moments
/// lie: only Adam reads them, once a step.
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

  /// Loads the networks and moments from the arenas into the block.
  __device__ __forceinline__ void open() {
    clear();
    __syncthreads();  // the padding is zero before the numbers between it are loaded
    load();
  }
  /// The steps of the work. Ends with a barrier. The calls before it need none.
  __device__ __forceinline__ void learn();
  /// Stores networks and moments into the arenas; the target network where it may have changed.
  __device__ __forceinline__ void close(bool target_changed) const { store(target_changed); }
  /// The last step's gradients, after clipping.
  __device__ __forceinline__ void store_gradients() const {
    for_each_parameter([this](int to, int from) { work_.gradients[to] = gradient_[from] * factor_; });
  }

  // ---- between steps of a larger kernel, after a barrier
  /// The online network's Q-values of `samples` rows; observed(n, i): number i of row n.
  template <class Observed>
  __device__ __forceinline__ void act(int samples, Observed observed) {
    const int rows = (samples + 3) / 4 * 4, numbers = rows * layout_.inputs;
    for (int i = thread_; i < numbers; i += kFusedThreads) {
      const int n = i / layout_.inputs, column = i - n * layout_.inputs;
      shared_[layout_.s + n * layout_.input_stride + column] = n < samples ? observed(n, column) : 0.0F;
    }
    __syncthreads();  // the observations are complete
    for (int l = 0; l < layout_.layers; ++l) {
      const FusedLayer& layer = layout_.layer[l];
      TileAssignment assignment;
      run_product(forward_product(layer, layout_.s, layout_.s, online_, rows, layer.act_split), assignment);
      __syncthreads();  // the layer's output is complete
    }
  }
  __device__ __forceinline__ QRow q_values(int n) const {
    const FusedLayer& head = layout_.layer[layout_.layers - 1];
    return QRow(shared_ + layout_.s + head.x + n * head.out_stride, layout_.actions, layout_.dueling);
  }
  /// The most rows of a call of act().
  __device__ __forceinline__ int rows() const { return layout_.rows; }
  /// target <- tau online + (1 - tau) target.
  __device__ __forceinline__ void sync_target(float tau) {
    for (int i = thread_; i < layout_.parameters; i += kFusedThreads)
      target_numbers()[i] = tau == 1 ? online_[i] : tau * online_[i] + (1 - tau) * target_numbers()[i];
  }
  /// Copies the online network's parameters into an arena, and back.
  __device__ __forceinline__ void store_online(float* arena) const {
    for_each_parameter([this, arena](int to, int from) { arena[to] = online_[from]; });
  }
  __device__ __forceinline__ void load_online(const float* arena) {
    for_each_parameter([this, arena](int from, int to) { online_[to] = arena[from]; });
  }
  /// The last step was not applied, or left numbers that are not finite. The same in all threads.
  __device__ __forceinline__ bool failed() const { return skip_ || overflowed_; }

 private:
  // ---- between the arenas and the padded parameters
  __device__ __forceinline__ void clear() {
    for (int i = thread_; i < layout_.shared_bytes / 16; i += kFusedThreads)
      four(shared_ + 4 * i) = float4{0.0F, 0.0F, 0.0F, 0.0F};
    for (int i = thread_; i < layout_.parameters; i += kFusedThreads) {
      if constexpr (!target_shared) target_numbers()[i] = 0.0F;
      if (layout_.place != FusedPlace::kAllShared) first_moments()[i] = second_moments()[i] = 0.0F;
    }
  }
  /// f(place in the arena, place among the padded parameters) for each parameter.
  template <class F>
  __device__ __forceinline__ void for_each_parameter(F f) const {
    for (int t = 0; t < layout_.tensors; ++t) {
      const FusedTensor& tensor = layout_.tensor[t];
      for (int i = thread_; i < tensor.rows * tensor.columns; i += kFusedThreads) {
        const int row = i / tensor.columns;
        f(tensor.arena + i, tensor.place + row * tensor.stride + (i - row * tensor.columns));
      }
    }
  }
  __device__ __forceinline__ void load() {
    for_each_parameter([this](int from, int to) {
      online_[to] = work_.online[from];
      target_numbers()[to] = work_.target[from];
      first_moments()[to] = work_.m[from];
      second_moments()[to] = work_.v[from];
    });
    const std::int32_t* const guard = work_.guard;
    skip_ = guard[kHeld] != 0;
    skipped_ = guard[kSkipped];
    overflowed_ = guard[kOverflowed] != 0;
  }
  __device__ __forceinline__ void store(bool target_changed) const {
    for_each_parameter([this, target_changed](int to, int from) {
      work_.online[to] = online_[from];
      work_.m[to] = first_moments()[from];
      work_.v[to] = second_moments()[from];
      if (target_changed) work_.target[to] = target_numbers()[from];
    });
    if (thread_ != 0) return;
    work_.guard[kHeld] = skip_;
    work_.guard[kSkipped] = skipped_;
    work_.guard[kOverflowed] = overflowed_;
  }
  /// Adam, unless the step is skipped, and the target's update: as cuda/ops/optimizers.cu and
  /// cuda/ops/arena_ops.cu.
  __device__ __forceinline__ void update_parameters(bool sync) {
    const float step_size = sums_.step_size, inverse_root = sums_.inverse_root_correction2;
    const AdamNumbers& adam = work_.adam;
    const float tau = work_.target_tau;
    bool finite = true;
    const auto update = [&](float& p, float& m, float& v, float g) {
      const float gradient = factor_ * g + adam.l2 * p;
      m = adam.beta1 * m + adam.one_minus_beta1 * gradient;
      v = adam.beta2 * v + adam.one_minus_beta2 * gradient * gradient;
      p = adam.shrink * p - step_size * m / (sqrtf(v) * inverse_root + adam.epsilon);
      finite = finite && isfinite(p) && isfinite(m) && isfinite(v);
    };
    const auto blend = [tau](float& target, float p) {
      target = tau == 1 ? p : tau * p + (1 - tau) * target;
    };
    for (int i = 4 * thread_; i < layout_.parameters; i += 4 * kFusedThreads) {
      float4 p = four(online_ + i);
      if (!skip_) {
        float4 m = four(first_moments() + i), v = four(second_moments() + i);
        const float4 g = four(gradient_ + i);
        update(p.x, m.x, v.x, g.x);
        update(p.y, m.y, v.y, g.y);
        update(p.z, m.z, v.z, g.z);
        update(p.w, m.w, v.w, g.w);
        four(online_ + i) = p;
        four(first_moments() + i) = m;
        four(second_moments() + i) = v;
      }
      if (!sync) continue;
      float4 target = four(target_numbers() + i);
      blend(target.x, p.x);
      blend(target.y, p.y);
      blend(target.z, p.z);
      blend(target.w, p.w);
      four(target_numbers() + i) = target;
    }
    if (!finite) atomicExch(&sums_.overflowed, 1);
  }

  // ---- the batch
  /// Rows of the piece from sample `first` on: samples, then zeros up to a multiple of 4.
  __device__ __forceinline__ int samples_from(int first) const {
    return min(layout_.rows, layout_.batch - first);
  }
  __device__ __forceinline__ int rows_from(int first) const { return (samples_from(first) + 3) / 4 * 4; }
  /// Number i of s, then s', of the piece's rows.
  __device__ __forceinline__ float observed(int i, int first, const std::int32_t* slots) const {
    const int of_s = rows_from(first) * layout_.inputs, j = i < of_s ? i : i - of_s;
    const int n = j / layout_.inputs;
    if (n >= samples_from(first)) return 0.0F;
    std::int32_t slot = slots[first + n];
    if (i >= of_s) slot = work_.replay.next_slot[slot];
    const Index at = static_cast<Index>(slot) * layout_.inputs + (j - n * layout_.inputs);
    return work_.replay.observations ? work_.replay.observations[at]
                                     : static_cast<float>(work_.replay.bytes[at]);
  }
  __device__ __forceinline__ void place_observed(int i, float number, int first) {
    const int of_s = rows_from(first) * layout_.inputs, j = i < of_s ? i : i - of_s;
    const int n = j / layout_.inputs;
    float* const x = shared_ + (i < of_s ? layout_.s : layout_.next);
    x[n * layout_.input_stride + (j - n * layout_.inputs)] = number;
  }
  /// Only reads, so that work that follows hides its latency.
  __device__ __forceinline__ Fetched fetch_batch(Index step, int first) const {
    const std::int32_t* const slots = work_.slot + step * layout_.batch;
    const int numbers = 2 * rows_from(first) * layout_.inputs;
    Fetched fetched = {};
#pragma unroll
    for (int j = 0; j < Fetched::kNumbers; ++j) {
      const int i = thread_ + j * kFusedThreads;
      fetched.number[j] = i < numbers ? observed(i, first, slots) : 0.0F;
    }
    if (thread_ >= samples_from(first)) return fetched;
    const std::int32_t slot = slots[first + thread_];
    const FusedReplay& replay = work_.replay;
    fetched.action = replay.action[slot];
    fetched.reward = replay.reward[slot];
    fetched.discount = replay.discount[slot] * (1 - replay.terminated[slot]);
    fetched.weight = work_.weight ? work_.weight[step * layout_.batch + first + thread_] : 1.0F;
    return fetched;
  }
  __device__ __forceinline__ void store_batch(const Fetched& fetched, Index step, int first) {
    const int numbers = 2 * rows_from(first) * layout_.inputs;
#pragma unroll
    for (int j = 0; j < Fetched::kNumbers; ++j) {
      const int i = thread_ + j * kFusedThreads;
      if (i < numbers) place_observed(i, fetched.number[j], first);
    }
    for (int i = thread_ + Fetched::kNumbers * kFusedThreads; i < numbers; i += kFusedThreads)
      place_observed(i, observed(i, first, work_.slot + step * layout_.batch), first);
    sample_ = fetched;
  }

  // ---- a piece of the batch: gradients are added over the pieces (learner_step.cuh)
  __device__ void learn_from(Index step, int first, double& loss, double& q);
  /// Of rows of `in_samples` and a network's padded parameters; `split`: one of the layer's.
  __device__ ForwardProduct forward_product(const FusedLayer& layer, int in_samples, int out_samples,
                                            const float* parameters, int rows, int split) const;
  __device__ void run_forward(const FusedLayer& layer, int rows);
  __device__ __forceinline__ bool online_chooses() const {
    return work_.dqn.double_dqn && work_.dqn.target_network;
  }
  /// Stores dy_L and the thread's TD error; adds its part of the loss and of the mean Q-value.
  __device__ void find_errors(int first, double& loss, double& mean_q);
  __device__ void store_losses(double loss, double q);
  /// Adam's bias corrections, by a thread that has nothing else to do then. Skipped steps do not count.
  __device__ void store_corrections(Index step);
  __device__ void store_squares(double squares);
  __device__ void run_backward(const FusedLayer& layer, int l, int rows, bool accumulate, double& squares);

  // ---- the step (learner_step.cuh)
  __device__ void finish(Index step);
  /// After a barrier: notices an overflow, and reports a step that failed.
  __device__ void check_step(Index step);
  /// 1 + the arena index of the gradient's first number that is not finite. Rare, so one thread searches
  /// alone.
  __device__ int first_bad_place() const;
  /// As cuda/ops/learn_report.cu.
  __device__ void add_statistics(float loss, float norm, double q) const;
  /// As cuda/ops/learn_report.cu: the sample of the largest error, NaN first.
  __device__ void report(Index step, float loss) const;

  // Computed at each use: the addresses of arrays outside would take registers in between.
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
  Fetched sample_;  // the thread's sample in the current piece
  // The guard, the same in all threads.
  bool skip_ = false, overflowed_ = false;
  int skipped_ = 0;
  float factor_ = 1.0F;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

// Whole steps.
#include "cuda/fused/learner_step.cuh"
