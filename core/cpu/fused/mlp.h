// The passes of a DQN learn step through a network of dense layers, fused: both forward passes, TD targets,
// loss and the backward pass to the inputs, panel of samples by panel of samples, so that a panel's
// activations stay in the first cache; then the gradients of the weights. kernels_impl.h explains the
// blocking.
//
// It computes what rl/dqn_update.cpp does op by op, with the same parameters, gradients and Adam, and rounds
// otherwise.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/backend.h"
#include "core/cpu/fused/kernels.h"
#include "core/cpu/fused/plan.h"
#include "core/host_memory.h"

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

/// The transitions of a step, each (B), and what is learned from them. As Learner's.
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

struct LossOptions {
  bool double_dqn = false;
  LossKind kind = LossKind::kMeanSquaredError;
  float huber_delta = 1.0F;
};

struct LossSums {
  double loss = 0, q = 0;  // sum_n w_n l(d_n), sum_n Q(s_n, a_n)
};

/// Owns activations and their gradients, nothing else. Only the constructor allocates.
class Mlp {
 public:
  /// REQUIRES: unknown_to_plan(network) is empty; kernels are among usable_kernels(). Throws: Error when
  /// memory is short.
  Mlp(const Network& network, Index max_batch, const Kernels& kernels);

  /// gradients <- dL/dtheta for online = theta; s' is judged by `judge` (theta- or theta). All three in the
  /// network's arena layout; gaps of the gradients stay as they are. Writes td_error (B). Throws: Error for
  /// an action that is not in 0 .. A-1.
  LossSums learn(float* gradients, std::span<float> td_error, const float* online, const float* judge,
                 const Observations& observations, const Transitions& transitions,
                 const LossOptions& options);

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

  Index panels_for(Index batch) const { return (batch + kernels_.panel - 1) / kernels_.panel; }
  Index samples_in(Index panel, Index batch) const {
    return std::min<Index>(kernels_.panel, batch - panel * kernels_.panel);
  }
  void check_batch(const Transitions& transitions, std::span<float> td_error);

  void forward(const Values& values, Index panel, Index samples, const float* parameters) const;
  void targets_and_loss(Index panel, Index batch, std::span<float> td_error, const Transitions& transitions,
                        const LossOptions& options, const Values& chooser);
  LossSums sums_of(Index batch) const;
  void backward(Index panel, Index samples, const float* parameters) const;
  void weight_gradients(float* gradients, Index batch);
  void transpose_inputs(Index panel, Index samples);
  void row(std::span<float> q, const float* observation, const float* online);

  Plan plan_;
  const Kernels& kernels_;
  Index max_batch_;
  Values x_, dx_;                    // of s, all panels
  Values judged_, chosen_;           // of s', one panel at a time: theta-'s (or theta's), and theta's
  std::vector<Floats> transposed_;   // sample panels of the values that wide weights' gradients read
  Floats actions_, loss_, q_taken_;  // (max_batch)
  std::vector<Index> in_order_;      // 0, 1, 2, ..
  std::vector<Floats> row_;          // each value of one sample, whole vectors
};

}  // namespace bellman::cpu::fused
