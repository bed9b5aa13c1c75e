// The options and tensors that the ops of core/ops/replay_ops.h take.
#pragma once

#include <cstdint>

#include "core/base/host_device.h"
#include "core/base/rng.h"
#include "core/base/tensor.h"

namespace bellman {

using ByteTensor = TensorView<std::uint8_t>;
using ConstByteTensor = TensorView<const std::uint8_t>;
using DoubleTensor = TensorView<double>;
using ConstDoubleTensor = TensorView<const double>;

/// Transitions apart from their observations, an array a quantity: (S) in a memory of S slots, (B) in a
/// batch. As in rl/learn/learner.h: rewards are n-step sums, discount is gamma^k, next_slot is where s' lies.
struct TransitionTensors {
  IntTensor action, next_slot;
  Tensor reward, discount, terminated;
};

/// One learn step's draws. They depend on nothing but this and the tree.
struct PrioritizedDraw {
  std::uint64_t seed = 0;
  std::uint64_t learn_step = 0;
  double beta = 1;  // exponent of the importance weights
};

/// |td_error| to weight in the tree, (|td_error| + epsilon)^alpha (Schaul et al. 2016).
struct PriorityPower {
  double alpha = 0.6;     // how much priorities matter: 0 not at all, 1 in proportion
  double epsilon = 1e-6;  // added to |td_error|, so that every transition can be drawn again
};

/// Which learn step a report is about.
struct LearnStepName {
  std::uint64_t number = 0;  // from 1
  Index timestep = 0;        // environment steps made
};

/// The words of the report on a step that went wrong, a DoubleTensor (kReportWords), 0 at first.
enum ReportWord : Index {
  kNumber,  // LearnStepName; 0: nothing went wrong
  kTimestep,
  kLoss,
  kSample,  // of the batch: the first one of the largest |td_error|, NaN before all
  kSlot,    // its slot, ...
  kTdError,
  kReward,
  kReportWords,
};

/// Row n is environment first_env + n, which has a random stream of its own (Purpose::kExploration).
struct EpsilonGreedy {
  std::uint64_t seed = 0;
  std::uint64_t round = 0;  // steps each environment has made
  double epsilon = 0;
  std::uint32_t first_env = 0;
};

/// The mass of the n-th of B stratified draws: uniform on the n-th of B equal parts of the sum (Schaul et al.
/// 2016, section 3.3).
BELLMAN_HOST_DEVICE inline double stratified_mass(const PrioritizedDraw& draw, std::int64_t n,
                                                  std::int64_t batch, double total) {
  const RandomWords words =
      random_words({draw.seed, Purpose::kReplay, 0}, draw.learn_step, static_cast<std::uint32_t>(n / 2));
  const std::uint32_t high = n % 2 == 0 ? words[0] : words[2], low = n % 2 == 0 ? words[1] : words[3];
  return (static_cast<double>(n) + uniform_double(high, low)) * (total / static_cast<double>(batch));
}

/// The action of `stream` at `step` when it explores, which it does with probability epsilon; -1 when it is
/// to be greedy. The random action may be the greedy one. REQUIRES: num_actions > 0.
BELLMAN_HOST_DEVICE inline std::int32_t explored_action(const RandomStream& stream, std::uint64_t step,
                                                        double epsilon, std::uint32_t num_actions) {
  const RandomWords words = random_words(stream, step);
  if (uniform_double(words[0], words[1]) >= epsilon) return -1;
  return static_cast<std::int32_t>(uniform_index(words[2], num_actions));
}
BELLMAN_HOST_DEVICE inline std::int32_t exploratory_action(const EpsilonGreedy& options, std::uint32_t env,
                                                           std::uint32_t num_actions) {
  return explored_action({options.seed, Purpose::kExploration, env}, options.round, options.epsilon,
                         num_actions);
}

}  // namespace bellman
