// The part of DQN that touches networks: it holds the observations, answers with Q-values, and learns from
// the transitions it is told to. Op by op, fused or wholly on a device: the trainer sees this interface
// alone. Slots, weights and TD errors are the trainer's; observations, parameters and moments are the
// learner's.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "rl/training_state.h"

namespace bellman {

/// The transitions of one learn step, by slot of the replay ring. Arrays of B, in host memory.
struct Batch {
  std::span<const Index> slots;       // where s is
  std::span<const Index> next_slots;  // where the state that is bootstrapped from is
  std::span<const std::int32_t> actions;
  std::span<const float> rewards;     // sum_(i<k) gamma^i r_(t+i)
  std::span<const float> discounts;   // gamma^k, k the steps really summed
  std::span<const float> terminated;  // 1: nothing is bootstrapped
  std::span<const float> weights;     // importance weights; all 1 for uniform sampling
};

/// What of a learn step is NaN or infinite.
enum class NonFinite { kNothing, kLoss, kGradient, kParameters };

struct LearnStats {
  float loss = 0;
  float gradient_norm = std::numeric_limits<float>::quiet_NaN();  // before clipping; NaN without clipping
  float mean_q = 0;                                               // of the chosen actions
  /// kLoss, kGradient: the optimiser's step was not made; parameters, moments and the count of steps are what
  /// they were. kParameters: it was made, and left a parameter or moment that is not finite.
  NonFinite non_finite = NonFinite::kNothing;
  std::string where{};  // then: which tensor, element and sample (rl/non_finite.h); otherwise empty
};

/// The means over some learn steps; NaN when there was none.
struct LearnSummary {
  double loss = std::numeric_limits<double>::quiet_NaN();
  double gradient_norm = std::numeric_limits<double>::quiet_NaN();  // NaN, too, without clipping
  double mean_q = std::numeric_limits<double>::quiet_NaN();
};

class Learner {
 public:
  virtual ~Learner() = default;

  /// Puts an observation into a slot of the replay.
  virtual void store(Index slot, std::span<const float> observation) = 0;
  /// q(n,A) of n observations, with the online network.
  virtual void q_values(std::span<float> q, std::span<const float> observations, Index n) = 0;
  /// One gradient step, unless loss or gradient is not finite: LearnStats::non_finite. Writes td_error (B),
  /// signed. Allocates nothing while all is finite.
  virtual LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) = 0;
  /// target <- tau online + (1 - tau) target.
  virtual void update_target(float tau) = 0;

  /// The online network's parameters as one flat host array in the arena's layout (gaps included), out and
  /// in: for keeping the best, for files, for hashes.
  virtual void get_parameters(std::span<float> out) = 0;
  virtual void set_parameters(std::span<const float> in) = 0;

  /// The observations in the replay's slots that were written (ReplayRing::written), networks and optimiser:
  /// all that changes. load throws: Error for another learner's state.
  virtual void save(StateWriter& out, std::span<const RowRange> written) const = 0;
  virtual void load(const StateReader& in, std::span<const RowRange> written) = 0;
};

}  // namespace bellman
