// K gradient steps of DQN in one launch of one block, which keeps parameters, gradients, target and moments
// in its shared memory (cuda/fused/dqn_layout.h) from the first step to the last:
//
//   x_0 = s, x'_0 = s'                                        gathered from the replay
//   x_l = f_l(x_(l-1) w_l^T + b_l)                            l = 1 .. L; x' with the target network's w, b
//   y = r + gamma^k (1 - terminated) x'_L[a*]                 a* = arg max of x'_L, or of the online
//   network's
//                                                             (Double DQN: van Hasselt et al. 2016)
//   d = y - x_L[a],   dL/dx_L[a] = -weight l'(d) / B          l: squared error or Huber's (cuda/td_loss.cu)
//   dL/dw_l = dy_l^T x_(l-1),  dL/db_l = sum of dy_l          dy_l: the gradient before f_l
//   dy_(l-1) = (dy_l w_l) f'_(l-1)                            l = L .. 2
//   g <- g min(1, max_norm / (|g| + 1e-6)), then Adam         unless g or L is not finite (core/step_guard.h)
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

#include "cuda/fused/dqn.h"

#include <limits>
#include <utility>

#include <math.h>  // pow and sqrt on host and device

#include "core/check.h"
#include "core/op_shapes.h"
#include "core/replay_op_shapes.h"
#include "cuda/checked_int.h"
#include "cuda/device_memory.h"
#include "cuda/error_loss.cuh"
#include "cuda/fused/dqn_layout.h"
#include "cuda/fused/tile.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// The replay's arrays.
struct Replay {
  const float* observations;
  const std::uint8_t* bytes;  // when observations is null
  const std::int32_t *action, *next_slot;
  const float *reward, *discount, *terminated;
};

struct AdamNumbers {
  double beta1_double, beta2_double, learning_rate;
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, l2, shrink;
};

/// What the kernel is given.
struct Work {
  DqnLayout layout;
  Replay replay;
  float *online, *target, *m, *v, *gradients;     // arenas
  float *target_outside, *m_outside, *v_outside;  // padded; where the layout says so
  float *td_error, *loss, *norm;
  std::int32_t* guard;
  double *sums, *report;
  const std::int32_t* slot;  // (K,B)
  const float* weight;       // (K,B) or null
  Index steps, first_step;
  LearnStepName name;
  AdamNumbers adam;
  ErrorLoss error_loss;
  float max_grad_norm, target_tau;
  bool double_dqn, target_network, hold_for_good;
};

/// Of a row of Q-values: the numbers themselves, or what the dueling head makes of them (Wang et al. 2016,
/// eq. 9).
struct QRow {
  const float* a;
  float value = 0, mean = 0;
  bool dueling;

  __device__ QRow(const float* row, const DqnLayout& layout) : a(row), dueling(layout.dueling) {
    if (!dueling) return;
    a = row + 4;
    value = row[0];
    for (int k = 0; k < layout.actions; ++k) mean += a[k];
    mean /= static_cast<float>(layout.actions);
  }
  __device__ float operator[](int k) const { return dueling ? value + a[k] - mean : a[k]; }
  /// As cuda/argmax.cuh.
  __device__ int best(int actions) const {
    int best = 0;
    float largest = (*this)[0];
    for (int k = 1; k < actions; ++k) {
      const float q = (*this)[k];
      if (q > largest) {
        largest = q;
        best = k;
      }
    }
    return best;
  }
};

/// What of a batch comes straight from the replay into a thread's registers: numbers of its observations, and
/// the rest of the transition of the sample that is the thread's.
struct Fetched {
  static constexpr int kNumbers = 4;
  float number[kNumbers];
  std::int32_t action;
  float reward, discount, weight;  // discount: 0 where terminated
};

/// What one step is about, the same in all threads.
struct Verdict {
  bool held, was_held_for_good;
  float factor;  // of clipping
};

template <FusedPlace place>
class Learner {
 public:
  __device__ __forceinline__ Learner(const Work& work, float* shared)
      : work_(work),
        layout_(work.layout),
        shared_(shared),
        online_(shared + layout_.online),
        gradient_(shared + layout_.gradient),
        sums_(*reinterpret_cast<FusedSums*>(shared + layout_.sums)),
        thread_(static_cast<int>(threadIdx.x)) {
    if constexpr (place == FusedPlace::kMomentsAndTargetOutside)
      target_ = work.target_outside;
    else
      target_ = shared + layout_.target;
    if constexpr (place == FusedPlace::kAllShared) {
      m_ = shared + layout_.m;
      v_ = shared + layout_.v;
    } else {
      m_ = work.m_outside;
      v_ = work.v_outside;
    }
  }

  __device__ __forceinline__ void run() {
    clear();
    __syncthreads();  // the padding's zeros are there before what lies between them
    load();
    store_batch(fetch_batch(0, 0), 0, 0);
    __syncthreads();  // parameters and batch are there
    for (Index step = 0; step < work_.steps; ++step) {
      double loss = 0, q = 0;  // of this thread's samples
      for (int first = 0; first < layout_.batch; first += layout_.rows) {
        if (first > 0) {
          store_batch(fetch_batch(step, first), step, first);
          __syncthreads();  // the next piece of the batch is there
        }
        learn_from(step, first, loss, q);
      }
      finish(step);
    }
    store();
  }

 private:
  // ---- between the arenas and the padded parameters

  __device__ __forceinline__ void clear() {
    for (int i = thread_; i < layout_.shared_bytes / 16; i += kFusedThreads)
      four(shared_ + 4 * i) = float4{0.0F, 0.0F, 0.0F, 0.0F};
    for (int i = thread_; i < layout_.parameters; i += kFusedThreads) {
      if constexpr (place == FusedPlace::kMomentsAndTargetOutside) target_[i] = 0.0F;
      if constexpr (place != FusedPlace::kAllShared) m_[i] = v_[i] = 0.0F;
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
      target_[to] = work_.target[from];
      m_[to] = work_.m[from];
      v_[to] = work_.v[from];
    });
    const std::int32_t* const guard = work_.guard;
    held_ = guard[kHeld] != 0;
    skipped_ = guard[kSkipped];
    bad_place_ = guard[kPlace];
    overflowed_ = guard[kOverflowed] != 0;
  }
  __device__ __forceinline__ void store() const {
    for_each_parameter([this](int to, int from) {
      work_.online[to] = online_[from];
      work_.m[to] = m_[from];
      work_.v[to] = v_[from];
      work_.gradients[to] = gradient_[from] * factor_;
      if (work_.target_tau != 0) work_.target[to] = target_[from];
    });
    if (thread_ != 0) return;
    work_.guard[kHeld] = held_;
    work_.guard[kSkipped] = skipped_;
    work_.guard[kPlace] = bad_place_;
    work_.guard[kOverflowed] = overflowed_;
  }

  // ---- the batch

  /// How many rows the piece from sample `first` on has: samples, then zeros up to a multiple of 4.
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

  /// Only reads, so that it can stand before work that hides how long that takes.
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
    const Replay& replay = work_.replay;
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

  // ---- a piece of the batch: gradients are added up over the pieces

  __device__ __forceinline__ void learn_from(Index step, int first, double& loss, double& q) {
    const int rows = rows_from(first);
    const bool last_piece = first + layout_.rows >= layout_.batch;
    for (int l = 0; l < layout_.layers; ++l) {
      run_forward(layout_.layer[l], rows);
      __syncthreads();  // the layer's output is there
    }
    find_errors(first, loss, q);
    if (last_piece) tell_losses(loss, q);
    if (thread_ == kFusedThreads - 1) tell_corrections(step);
    __syncthreads();     // dL/dx_L is there
    double squares = 0;  // of this thread's gradients, which are whole with the last piece
    for (int l = layout_.layers - 1; l >= 0; --l) {
      run_backward(layout_.layer[l], l, rows, first > 0, squares);
      if (l == 0 && last_piece) tell_squares(squares);
      __syncthreads();  // dy_(l-1) is there, and in the end the gradient
    }
  }

  __device__ __forceinline__ void run_forward(const FusedLayer& layer, int rows) {
    const float* const judge = work_.target_network ? target_ : online_;
    Turns turns;
    const auto pass = [&](int in_samples, int out_samples, const float* parameters) {
      run_product(ForwardProduct{.y = shared_ + out_samples + layer.x,
                                 .x = shared_ + in_samples + layer.in_x,
                                 .w = parameters + layer.weight,
                                 .b = parameters + layer.bias,
                                 .rows = rows,
                                 .outputs = layer.outputs,
                                 .inputs = layer.inputs,
                                 .y_stride = layer.out_stride,
                                 .x_stride = layer.in_stride,
                                 .split_log2 = layer.forward_split,
                                 .activation = layer.after},
                  turns);
    };
    pass(layout_.s, layout_.s, online_);
    pass(layout_.next, layout_.next, judge);
    if (chooses_apart())
      pass(layer.in_x == 0 ? layout_.next : layout_.next_online, layout_.next_online, online_);
  }
  __device__ __forceinline__ bool chooses_apart() const { return work_.double_dqn && work_.target_network; }

  /// dy_L, the thread's share of the loss, and its TD error.
  __device__ __forceinline__ void find_errors(int first, double& loss, double& mean_q) {
    const FusedLayer& head = layout_.layer[layout_.layers - 1];
    if (thread_ >= rows_from(first)) return;
    const int row = head.x + thread_ * head.out_stride;
    float* const dy = shared_ + layout_.next + row;
    if (thread_ >= samples_from(first)) {
      for (int k = 0; k < head.outputs; ++k) dy[k] = 0.0F;
      return;
    }
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    const int A = layout_.actions;
    const QRow q(shared_ + layout_.s + row, layout_), judge(dy, layout_);
    const int best =
        chooses_apart() ? QRow(shared_ + layout_.next_online + row, layout_).best(A) : judge.best(A);
    const float y = sample_.reward + sample_.discount * judge[best];
    const bool exists = sample_.action >= 0 && sample_.action < A;
    const float d = exists ? y - q[sample_.action] : kNan;
    const float slope =
        exists ? -sample_.weight * work_.error_loss.slope(d) / static_cast<float>(layout_.batch) : kNan;
    // dq is zero but for the action taken. Dueling: dv = sum of dq, da = dq - mean of dq.
    const float mean = layout_.dueling ? slope / static_cast<float>(A) : 0.0F;
    float* const da = layout_.dueling ? dy + 4 : dy;
    if (layout_.dueling) dy[0] = slope;
    for (int k = 0; k < A; ++k) da[k] = (k == sample_.action || !exists ? slope : 0.0F) - mean;
    work_.td_error[first + thread_] = d;
    loss += static_cast<double>(sample_.weight * work_.error_loss.of(d));
    mean_q += static_cast<double>(y) - static_cast<double>(d);
  }

  __device__ __forceinline__ void tell_losses(double loss, double q) {
    if (thread_ / kWarp * kWarp >= layout_.rows) return;  // the warp has no samples
    loss = warp_reduce(loss, Sum{});
    q = warp_reduce(q, Sum{});
    if (thread_ % kWarp != 0) return;
    sums_.loss[thread_ / kWarp] = loss;
    sums_.q[thread_ / kWarp] = q;
  }
  /// Adam's bias corrections, by a thread that has nothing else to do then. Steps that were held do not
  /// count.
  __device__ __forceinline__ void tell_corrections(Index step) {
    const auto number = static_cast<double>(work_.first_step + step - skipped_);
    const double correction1 = 1 - pow(work_.adam.beta1_double, number);
    const double correction2 = 1 - pow(work_.adam.beta2_double, number);
    sums_.step_size = static_cast<float>(work_.adam.learning_rate / correction1);
    sums_.inverse_root_correction2 = static_cast<float>(1 / sqrt(correction2));
  }
  __device__ __forceinline__ void tell_squares(double squares) {
    squares = warp_reduce(squares, Sum{});
    if (thread_ % kWarp == 0) sums_.squares[thread_ / kWarp] = squares;
  }

  __device__ __forceinline__ void run_backward(const FusedLayer& layer, int l, int rows, bool accumulate,
                                               double& squares) {
    const float* const dy = shared_ + layout_.next + layer.x;
    const float* const x = shared_ + layout_.s + layer.in_x;
    const bool head = l == layout_.layers - 1;
    Turns turns;
    if (l > 0)
      run_product(InputGradientProduct{.dx = shared_ + layout_.next + layer.in_x,
                                       .dy = dy,
                                       .w = online_ + layer.weight,
                                       .x = x,
                                       .rows = rows,
                                       .outputs = layer.outputs,
                                       .inputs = layer.inputs,
                                       .dy_stride = layer.out_stride,
                                       .x_stride = layer.in_stride,
                                       .split_log2 = layer.dx_split,
                                       .before = layer.before},
                  turns);
    run_product(WeightGradientProduct{.dw = gradient_ + layer.weight,
                                      .dy = dy,
                                      .x = x,
                                      .rows = rows,
                                      .outputs = layer.outputs,
                                      .inputs = layer.inputs,
                                      .dy_stride = layer.out_stride,
                                      .x_stride = layer.in_stride,
                                      .split_log2 = layer.dw_split,
                                      .value_columns = head ? layout_.value_columns : 0,
                                      .accumulate = accumulate,
                                      .squares = squares},
                turns);
    bias_gradient(gradient_ + layer.bias, dy, rows, layer.outputs, layer.out_stride, accumulate, squares);
  }

  // ---- the step

  __device__ __forceinline__ void finish(Index step) {
    const Fetched next = step + 1 < work_.steps ? fetch_batch(step + 1, 0) : Fetched{};
    double total = 0, q = 0, squares = 0;
    for (int warp = 0; warp < (layout_.rows + kWarp - 1) / kWarp; ++warp) {
      total += sums_.loss[warp];
      q += sums_.q[warp];
    }
    for (int warp = 0; warp < kFusedWarps; ++warp) squares += sums_.squares[warp];
    const float loss = static_cast<float>(total / layout_.batch);
    const float norm = static_cast<float>(sqrt(squares));
    // A sum of squares of floats does not overflow a double: it is finite when all of them are.
    const bool finite = isfinite(squares);
    if (!held_ || !work_.hold_for_good) {
      bad_place_ = finite ? 0 : first_bad_place();
      held_ = overflowed_ || !finite || !isfinite(loss);
      skipped_ += held_;
    }
    factor_ = 1.0F;
    if (work_.max_grad_norm > 0) {
      const float factor = work_.max_grad_norm / (norm + 1e-6F);
      if (factor < 1) factor_ = factor;
    }
    const bool sync = work_.target_tau != 0 && step + 1 == work_.steps;
    if (!held_ || sync) update_parameters(sync);
    if (thread_ == 0) tell(loss, norm, q);
    if (step + 1 < work_.steps) store_batch(next, step + 1, 0);
    __syncthreads();  // the parameters are there, and the next batch
    overflowed_ = sums_.overflowed != 0 || overflowed_;
    if (thread_ == 0 && (held_ || overflowed_)) report(step, loss);
  }

  /// 1 + the first place of the gradient, in the arena, whose number is not finite. Rare, so every thread
  /// looks by itself.
  __device__ int first_bad_place() const {
    int first = std::numeric_limits<int>::max();
    for (int t = 0; t < layout_.tensors; ++t) {
      const FusedTensor& tensor = layout_.tensor[t];
      for (int row = 0; row < tensor.rows; ++row)
        for (int column = 0; column < tensor.columns; ++column)
          if (!isfinite(gradient_[tensor.place + row * tensor.stride + column]))
            first = min(first, tensor.arena + row * tensor.columns + column + 1);
    }
    return first;
  }

  /// Adam, unless the step is held, and the target's update; both as cuda/adam.cu and cuda/polyak.cu.
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
      if (!held_) {
        float4 m = four(m_ + i), v = four(v_ + i);
        const float4 g = four(gradient_ + i);
        update(p.x, m.x, v.x, g.x);
        update(p.y, m.y, v.y, g.y);
        update(p.z, m.z, v.z, g.z);
        update(p.w, m.w, v.w, g.w);
        four(online_ + i) = p;
        four(m_ + i) = m;
        four(v_ + i) = v;
      }
      if (!sync) continue;
      float4 target = four(target_ + i);
      blend(target.x, p.x);
      blend(target.y, p.y);
      blend(target.z, p.z);
      blend(target.w, p.w);
      four(target_ + i) = target;
    }
    if (!finite) atomicExch(&sums_.overflowed, 1);
  }

  /// As cuda/learn_stats.cu.
  __device__ __forceinline__ void tell(float loss, float norm, double q) const {
    *work_.loss = loss;
    if (work_.max_grad_norm > 0) *work_.norm = norm;
    if (held_) return;
    work_.sums[0] += static_cast<double>(loss);
    if (work_.max_grad_norm > 0) work_.sums[1] += static_cast<double>(norm);
    work_.sums[2] += q / layout_.batch;
    work_.sums[3] += 1;
  }

  /// As cuda/report_step.cu: the sample of the largest error, NaN before all.
  __device__ void report(Index step, float loss) const {
    if (work_.report[kNumber] != 0) return;
    int worst = 0;
    for (int n = 1; n < layout_.batch && !isnan(work_.td_error[worst]); ++n)
      if (!(fabsf(work_.td_error[n]) <= fabsf(work_.td_error[worst]))) worst = n;
    const std::int32_t slot = work_.slot[step * layout_.batch + worst];
    work_.report[kNumber] = static_cast<double>(work_.name.number + static_cast<std::uint64_t>(step));
    work_.report[kTimestep] = static_cast<double>(work_.name.timestep);
    work_.report[kLoss] = static_cast<double>(loss);
    work_.report[kSample] = worst;
    work_.report[kSlot] = slot;
    work_.report[kTdError] = static_cast<double>(work_.td_error[worst]);
    work_.report[kReward] = static_cast<double>(work_.replay.reward[slot]);
  }

  const Work& work_;
  const DqnLayout& layout_;
  float* const shared_;
  float *const online_, *const gradient_;
  float *target_, *m_, *v_;
  FusedSums& sums_;
  const int thread_;
  Fetched sample_;  // of the thread's sample in the piece at hand
  // The guard, the same in all threads.
  bool held_ = false, overflowed_ = false;
  int skipped_ = 0, bad_place_ = 0;
  float factor_ = 1.0F;
};

template <FusedPlace place>
__global__ void __launch_bounds__(kFusedThreads) fused_dqn_kernel(const BELLMAN_GRID_CONSTANT Work work) {
  BELLMAN_DYNAMIC_SHARED(float, shared);
  Learner<place>(work, shared).run();
}

using Kernel = void (*)(Work);

Kernel kernel_for(FusedPlace place) {
  switch (place) {
    case FusedPlace::kAllShared:
      return fused_dqn_kernel<FusedPlace::kAllShared>;
    case FusedPlace::kMomentsOutside:
      return fused_dqn_kernel<FusedPlace::kMomentsOutside>;
    default:
      return fused_dqn_kernel<FusedPlace::kMomentsAndTargetOutside>;
  }
}

Replay replay_of(const FusedDqnMemory& memory) {
  const TransitionTensors& t = memory.transitions;
  return {memory.observations ? memory.observations.data() : nullptr,
          memory.byte_observations ? memory.byte_observations.data() : nullptr,
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
    work_.layout = layout;
    work_.replay = replay_of(memory);
    work_.online = memory.online.data();
    work_.target = memory.target.data();
    work_.m = memory.m.data();
    work_.v = memory.v.data();
    work_.gradients = memory.gradients.data();
    work_.m_outside = outside;
    work_.v_outside = outside ? outside + padded : nullptr;
    work_.target_outside = outside ? outside + 2 * padded : nullptr;
    work_.td_error = memory.td_error.data();
    work_.loss = memory.loss.data();
    work_.norm = memory.norm.data();
    work_.guard = memory.guard.data();
    work_.sums = memory.sums.data();
    work_.report = memory.report.data();
    work_.error_loss = {options.loss, options.huber_delta};
    work_.max_grad_norm = options.max_grad_norm;
    work_.double_dqn = options.double_dqn;
    work_.target_network = options.target_network;
    work_.hold_for_good = options.holding == Holding::kForGood;
  }
  ~DeviceFusedDqn() override { stream_.finish(); }  // what was queued uses its memory
  DeviceFusedDqn(const DeviceFusedDqn&) = delete;
  DeviceFusedDqn& operator=(const DeviceFusedDqn&) = delete;

  void learn(const FusedDqnSteps& steps) override {
    check(steps);
    work_.slot = steps.slot.data();
    work_.weight = steps.weight ? steps.weight.data() : nullptr;
    work_.steps = steps.slot[0];
    work_.first_step = steps.first_step;
    work_.name = steps.name;
    work_.adam = adam_numbers(steps.learning_rate);
    work_.target_tau = steps.target_tau;
    launch(stream_, kernel_for(work_.layout.place), dim3(1), dim3(kFusedThreads),
           static_cast<std::size_t>(work_.layout.shared_bytes), work_);
  }
  std::string description() const override { return description_; }

 private:
  void check(const FusedDqnSteps& steps) const {
    if (steps.slot.shape().rank() != 2 || steps.slot[0] < 1 || steps.slot[1] != work_.layout.batch)
      fail("fused_dqn: slots are ", steps.slot.shape(), " but the batch is ", work_.layout.batch);
    if (steps.weight && steps.weight.shape() != steps.slot.shape())
      fail("fused_dqn: weights are ", steps.weight.shape(), " but slots are ", steps.slot.shape());
    if (!(steps.target_tau >= 0 && steps.target_tau <= 1)) fail("fused_dqn: tau is ", steps.target_tau);
    check_adam_step(memory_.online, memory_.m, memory_.v, memory_.gradients, steps.learning_rate,
                    steps.first_step, options_.adam);
  }
  AdamNumbers adam_numbers(float learning_rate) const {
    const AdamOptions& adam = options_.adam;
    const double rate = double(learning_rate), decay = adam.weight_decay;
    return {.beta1_double = adam.beta1,
            .beta2_double = adam.beta2,
            .learning_rate = rate,
            .beta1 = float(adam.beta1),
            .one_minus_beta1 = float(1 - adam.beta1),
            .beta2 = float(adam.beta2),
            .one_minus_beta2 = float(1 - adam.beta2),
            .epsilon = float(adam.epsilon),
            .l2 = adam.decoupled ? 0.0F : float(decay),
            .shrink = adam.decoupled ? float(1 - rate * decay) : 1.0F};
  }

  Stream& stream_;
  FusedDqnOptions options_;
  FusedDqnMemory memory_;
  std::string description_;
  DeviceMemory outside_;  // moments and target that do not fit
  Work work_ = {};
};

}  // namespace

std::string fused_dqn_obstacle(const DenseChain& chain, const FusedDqnOptions& options,
                               int most_shared_bytes) {
  try {
    dqn_layout(chain, options, most_shared_bytes);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::unique_ptr<FusedDqn> make_fused_dqn(Stream& stream, const DenseChain& chain,
                                         const FusedDqnOptions& options, const FusedDqnMemory& memory,
                                         int most_shared_bytes) {
  return std::make_unique<DeviceFusedDqn>(stream, dqn_layout(chain, options, most_shared_bytes), options,
                                          memory, most_shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
