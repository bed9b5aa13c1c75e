// The part of DQN that touches networks: it answers with Q-values and makes a gradient step from a batch, op
// by op or fused. The batch is the replay's; parameters and moments are the learner's.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "core/base/tensor.h"
#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/ops/backend.h"
#include "rl/config/train_config.h"
#include "rl/learn/gradient_average.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/replay.h"
#include "rl/replay/running_normalizer.h"
#include "rl/state/training_state.h"

namespace bellman {

struct LearnerOptions : DqnOptions {
  ObservationType observation_type = ObservationType::kFloat32;  // of the replay
  Index frame_stack = 1;                                         // observations of the replay in a state
  Index max_batch = 1;                                           // transitions of a learn step
  Index max_acting_batch = 1;                                    // observations of one q_values()
  OptimizerOptions optimizer = AdamOptions{};
  Initialiser initialiser = Initialiser::kPytorch;
  std::uint64_t seed = 1;
  OnNan on_nan = OnNan::kStop;  // kStop: an asynchronous learner skips every step after the first bad one
  /// Observations are stored raw; it normalises them, as it stands then, on their way into the network. Null:
  /// they go in raw. REQUIRES: it outlives the learner.
  const RunningNormalizer* normalizer = nullptr;
  /// Where several ranks train: every gradient goes through it. Null: there is one. REQUIRES: it outlives the learner.
  GradientAverage* gradient_average = nullptr;
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
  std::string where{};  // then: which tensor, element and sample (rl/learn/non_finite.h); otherwise empty
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

  /// What makes the gradient step, in words.
  virtual std::string description() const { return "the program's own"; }

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

  /// Networks and optimiser: all that changes. load throws: Error for another learner's state.
  virtual void save(StateWriter& out) const = 0;
  virtual void load(const StateReader& in) = 0;
};

/// REQUIRES: the network outlives the learner.
using LearnerFactory =
    std::function<std::unique_ptr<Learner>(const Network& network, const LearnerOptions& options)>;

}  // namespace bellman
