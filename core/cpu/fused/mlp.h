// The passes of a DQN learn step through a network of dense layers, fused: both forward passes, TD targets,
// loss and the backward pass to the inputs, panel of samples by panel of samples, so that a panel's
// activations stay in the first cache; then the gradients of the weights. core/cpu/simd/kernels.cpp
// explains the blocking.
//
// Threads. In a large step they share the panels, then the parts of the gradients (GradientTask). In a small one, moving
// parameters and activations between the cores' caches would take longer than the products. Another core then runs the target
// network alone: its parameters stay in that core's cache, and only Q-values come back. No sum crosses threads, so the bits do
// not depend on their number.
//
// It computes what rl/learn/dqn_update.cpp does op by op, with the same parameters, gradients and Adam; rounding differs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/base/memory.h"
#include "core/cpu/fused/plan.h"
#include "core/cpu/simd/kernels.h"
#include "core/cpu/thread_pool.h"
#include "core/ops/backend.h"

namespace bellman::cpu::fused {

/// 64-byte aligned floats of a fixed number, zero when new.
class Floats {
 public:
  Floats() = default;
  explicit Floats(Index count)
      : data_(static_cast<float*>(allocate_host_memory(static_cast<std::size_t>(count) * sizeof(float)))),
        size_(count) {}
  Floats(Floats&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Floats& operator=(Floats&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Floats() { release_host_memory(data_); }

  float* data() const { return data_; }
  Index size() const { return size_; }

 private:
  float* data_ = nullptr;
  Index size_ = 0;
};

/// The transitions of a step, each (B), as Learner's.
struct Transitions {
  std::span<const std::int32_t> actions;
  std::span<const float> rewards, discounts, terminated, weights;
};

/// s and s' of each transition: rows of tables (., I).
struct Observations {
  const float* table;
  std::span<const Index> rows;  // (B)
  const float* next_table;
  std::span<const Index> next_rows;  // (B)
};

struct LossSums {
  double loss = 0, q = 0;  // sum_n w_n l(d_n), sum_n Q(s_n, a_n)
};

/// Owns activations and their gradients, nothing else. Only the constructor allocates.
class Mlp {
 public:
  /// REQUIRES: unknown_to_plan(network) is empty; kernels are among usable_kernels(). Throws: Error when
  /// memory is short. REQUIRES: the pool outlives it.
  Mlp(const Network& network, Index max_batch, const Kernels& kernels, ThreadPool& pool);

  /// gradients <- dL/dtheta for online = theta; `target` (theta- or theta) evaluates s'. All three in the
  /// network's arena layout; gaps of the gradients stay as they are. Writes td_error (B). Throws: Error for
  /// an action that is not in 0 .. A-1.
  LossSums learn(float* gradients, std::span<float> td_error, const float* online, const float* target,
                 const Observations& observations, const Transitions& transitions, const DqnOptions& options);

  /// q(n,A) of n observations (n,I), row-major.
  void q_values(std::span<float> q, std::span<const float> observations, Index n, const float* online);

  const Plan& plan() const { return plan_; }
  const Kernels& kernels() const { return kernels_; }

 private:
  /// A place for every value of one panel, or of all.
  struct Values {
    Values() = default;
    Values(const Plan& plan, Index panels, Index panel_width);
    float* at(std::size_t value, Index panel) const {
      return data.data() + offsets[value] + panel * sizes[value];
    }
    Floats data;
    std::vector<Index> offsets, sizes;  // sizes: of one panel
  };

  /// A piece of a layer's gradients: kPanel columns of wide weights, all of narrow ones, or the biases.
  struct GradientTask {
    enum class Of { kWeightColumns, kNarrowWeights, kBiases } of;
    DenseStep step;
    Index first = 0;  // column
    Index work = 0;   // products a sample
  };
  /// The arguments of a learn step.
  struct Step {
    float* gradients;
    std::span<float> td_error;
    const float *online, *target;
    const Observations& observations;
    const Transitions& transitions;
    const DqnOptions& options;
    Index batch;
    bool chooses_apart;  // Double DQN
  };

  Index panels_for(Index batch) const { return (batch + kernels_.panel - 1) / kernels_.panel; }
  Index samples_in(Index panel, Index batch) const {
    return std::min<Index>(kernels_.panel, batch - panel * kernels_.panel);
  }
  void check_batch(const Transitions& transitions, std::span<float> td_error);

  bool wide(const DenseStep& step) const {
    return std::min(step.shape.inputs, step.shape.outputs) >= kernels_.narrow;
  }
  std::vector<GradientTask> gradient_tasks() const;
  Index sample_panel_size() const { return panels_for(max_batch_) * kernels_.panel * kernels_.panel; }

  Index multiply_adds(const Step& step) const;
  void run_by_panels(const Step& step);
  void run_by_networks(const Step& step);
  void look_ahead(const Step& step, Index panel, const float* parameters, const Floats& q, int thread) const;
  void forward_panel(const Step& step, Index panel) const;
  void finish_panel(const Step& step, Index panel);

  void forward(const Values& values, Index panel, Index samples, const float* parameters) const;
  void targets_and_loss(const Step& step, Index panel);
  LossSums sums_of(Index batch) const;
  void backward(Index panel, Index samples, const float* parameters) const;
  void transpose_inputs(Index panel, Index samples);
  void compute(const GradientTask& task, float* gradients, Index batch) const;
  void panel_of_q_values(float* q, const float* observations, Index samples, const float* online,
                         const Values& values) const;
  void row(std::span<float> q, const float* observation, const float* online);

  Plan plan_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Index max_batch_;
  Values x_, dx_;                    // of s, all panels
  std::vector<Values> one_panel_;    // for each thread: of s', or of what is acted in
  Floats target_q_, chooser_q_;      // Q(s', .), all panels: by theta- (or theta), and by theta
  std::vector<GradientTask> tasks_;  // the longest first
  std::vector<Floats> transposed_;   // sample panels of the values that wide weights' gradients read
  Floats actions_, loss_, q_taken_;  // (max_batch)
  std::vector<Index> in_order_;      // 0, 1, 2, ..
  std::vector<Floats> row_;          // each value of one sample, whole vectors
};

}  // namespace bellman::cpu::fused
