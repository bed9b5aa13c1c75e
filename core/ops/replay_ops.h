// The ops on a replay memory that lies in a backend's memory, beside the network: rows are gathered and
// scattered, a sum-tree is updated and sampled, actions are chosen. With them a whole learn step, sampling
// included, needs nothing from the host.
//
// Conventions as in core/ops/backend.h: outputs, inputs, configuration; all tensors lie in the memory of the
// backend that implements the ops. An op checks its arguments and calls the implementation's do_<op>. The
// definitions are in core/reference/replay_ops.cpp.
//
// Throws: every op throws Error, naming itself and both shapes, when shapes do not fit together.
#pragma once

#include <cstdint>

#include "core/base/numeric.h"
#include "core/base/rng.h"
#include "core/base/tensor.h"
#include "core/ops/backend_ops.h"
#include "core/ops/op_options.h"

namespace bellman {

// ---- options and tensors

using ByteTensor = TensorView<std::uint8_t>;
using ConstByteTensor = TensorView<const std::uint8_t>;
using DoubleTensor = TensorView<double>;
using ConstDoubleTensor = TensorView<const double>;

/// Transitions without their observations, one array per quantity: (S) in a memory of S slots, (B) in a
/// batch. As in rl/learn/learner.h, rewards are n-step sums, discount is gamma^k, and next_slot is the slot
/// of s'.
struct TransitionTensors {
  IntTensor action, next_slot;
  Tensor reward, discount, terminated;
};

/// One learn step's draws, which depend on this and the tree alone.
struct PrioritizedDraw {
  std::uint64_t seed = 0;
  std::uint64_t learn_step = 0;
  double beta = 1;  // exponent of the importance weights
};

/// The weight in the tree is (|td_error| + epsilon)^alpha (Schaul et al. 2016).
struct PriorityPower {
  double alpha = 0.6;     // how much priorities matter: 0 not at all, 1 in proportion
  double epsilon = 1e-6;  // keeps every transition's probability above 0
};

/// Identifies a learn step in a report.
struct StepId {
  std::uint64_t number = 0;  // from 1
  Index timestep = 0;        // environment steps made
};

/// The words of the report on a non-finite step, a DoubleTensor (kReportWords), initially 0.
enum ReportWord : Index {
  kNumber,  // of the StepId; 0: no such step
  kTimestep,
  kLoss,
  kSample,  // index in the batch of the first largest |td_error|; NaN counts as largest
  kSlot,    // of that sample, as the rest
  kTdError,
  kReward,
  kReportWords,
};

/// Row n belongs to environment first_env + n, which has its own random stream (Purpose::kExploration).
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

/// With probability epsilon a random action of `stream` at `step`, which may be the greedy one; otherwise -1.
/// REQUIRES: num_actions > 0.
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

// ---- checks, as in core/ops/backend_ops.h. They throw Error with the op, the argument and both shapes.

/// For gather and scatter, of numbers and of bytes.
void check_gather(const char* op, const Operand& x, const Operand& memory, const Operand& slot);
void check_transitions(const char* op, const TransitionTensors& batch, const TransitionTensors& memory,
                       const Operand& slot);
/// `value`: the weights or the masses.
void check_sum_tree(const char* op, const Operand& nodes, const Operand& leaf, const Operand& value);
void check_prioritized_add(const Operand& nodes, const Operand& max_priority, const Operand& slot,
                           const Operand& added);
void check_prioritized_sample(const Operand& slot, const Operand& weight, const Operand& nodes);
void check_prioritized_update(const Operand& nodes, const Operand& max_priority, const Operand& slot,
                              const Operand& td_error, const Operand& guard);
void check_epsilon_greedy(const Operand& action, const Operand& q, const EpsilonGreedy& options);
void check_add_learn_stats(const Operand& sums, const Operand& loss, const Operand& norm, const Operand& y,
                           const Operand& td_error, const Operand& guard);
void check_report_step(const Operand& report, const Operand& guard, const Operand& loss, const Operand& slot,
                       const Operand& td_error, const Operand& reward);

// ---- the ops

/// The list of the ops, as BELLMAN_BACKEND_OPS.
#define BELLMAN_REPLAY_OPS(BEGIN, END)                                                                       \
  BEGIN void do_gather(Tensor x, ConstTensor memory, ConstIntTensor slot) END;                               \
  BEGIN void do_gather_bytes(Tensor x, ConstByteTensor memory, ConstIntTensor slot) END;                     \
  BEGIN void do_scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) END;                              \
  BEGIN void do_scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) END;                    \
  BEGIN void do_gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,          \
                                   ConstIntTensor slot) END;                                                 \
  BEGIN void do_scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,         \
                                    ConstIntTensor slot) END;                                                \
  BEGIN void do_sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) END;         \
  BEGIN void do_sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) END;          \
  BEGIN void do_prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,     \
                                ConstIntTensor added, double alpha) END;                                     \
  BEGIN void do_prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,                   \
                                   const PrioritizedDraw& draw) END;                                         \
  BEGIN void do_prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,       \
                                   ConstTensor td_error, const PriorityPower& power, ConstIntTensor guard)   \
      END;                                                                                                   \
  BEGIN void do_epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) END;           \
  BEGIN void do_add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,        \
                                ConstTensor td_error, ConstIntTensor guard) END;                             \
  BEGIN void do_report_step(DoubleTensor report, ConstIntTensor guard, const StepId& step, ConstTensor loss, \
                            ConstIntTensor slot, ConstTensor td_error, ConstTensor reward) END;

class ReplayOps {
 public:
  virtual ~ReplayOps() = default;

  // ---- rows
  /// x(B,I): row n is row slot(B)[n] of memory(S,I). REQUIRES here and below: 0 <= slot < S.
  void gather(Tensor x, ConstTensor memory, ConstIntTensor slot) {
    check_gather("gather", x, memory, slot);
    do_gather(x, memory, slot);
  }
  void gather_bytes(Tensor x, ConstByteTensor memory, ConstIntTensor slot) {
    check_gather("gather_bytes", x, memory, slot);
    do_gather_bytes(x, memory, slot);
  }
  /// Row slot(B)[n] of memory(S,I) becomes row n of x(B,I). REQUIRES: no duplicate slots; for bytes: x holds
  /// whole numbers from 0 to 255.
  void scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) {
    check_gather("scatter", x, memory, slot);
    do_scatter(memory, x, slot);
  }
  void scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) {
    check_gather("scatter_bytes", x, memory, slot);
    do_scatter_bytes(memory, x, slot);
  }
  /// Copies transitions between slots slot(B) of memory (S) and the batch (B).
  void gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,
                          ConstIntTensor slot) {
    check_transitions("gather_transitions", batch, memory, slot);
    do_gather_transitions(batch, memory, slot);
  }
  void scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,
                           ConstIntTensor slot) {
    check_transitions("scatter_transitions", batch, memory, slot);
    do_scatter_transitions(memory, batch, slot);
  }

  // ---- sum-tree: nodes(2 L) of a complete binary tree over L leaves, L a power of two. Node i has the
  // children 2 i and 2 i + 1, the root is node 1, leaf j is node L + j. Weights are finite and not negative.
  // An inner node is always recomputed from its two children, so that equal leaves give equal bits
  // everywhere.
  /// Leaf leaf(B)[n] becomes weight(B)[n]; the last weight of a duplicate leaf counts.
  void sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) {
    check_sum_tree("sum_tree_set", nodes, leaf, weight);
    do_sum_tree_set(nodes, leaf, weight);
  }
  /// leaf(B)[n] = the leaf i whose interval [w_0 + .. + w_(i-1), w_0 + .. + w_i) holds mass(B)[n], up to
  /// rounding. From the root it goes left when mass < left or right == 0, otherwise right with mass - left.
  /// REQUIRES: some weight is positive; mass is not NaN.
  void sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) {
    check_sum_tree("sum_tree_find", nodes, leaf, mass);
    do_sum_tree_find(leaf, nodes, mass);
  }

  // ---- prioritised replay on such a tree (on the host: PrioritizedSampler, rl/replay/sampler.h)
  /// In the order of n: where added(B)[n] is 1, slot(B)[n] gets the weight of the largest priority so far,
  /// max_priority(1)^alpha; where it is 0, the slot gets the weight 0 and is no longer drawn.
  void prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                       ConstIntTensor added, double alpha) {
    check_prioritized_add(nodes, max_priority, slot, added);
    do_prioritized_add(nodes, max_priority, slot, added, alpha);
  }
  /// slot(B): stratified draws; weight(B) = (least / p_slot)^beta, with the smallest tree weight of the batch
  /// as least.
  void prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,
                          const PrioritizedDraw& draw) {
    check_prioritized_sample(slot, weight, nodes);
    do_prioritized_sample(slot, weight, nodes, draw);
  }
  /// slot(B)[n] gets the weight (|td_error(B)[n]| + epsilon)^alpha, the last one for a duplicate slot;
  /// max_priority(1) becomes the maximum of itself and every |td_error| + epsilon. Skips evicted slots (of
  /// weight 0) and non-finite TD errors. Does nothing when a given guard holds the step
  /// (BasicBackend::guard_step).
  void prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                          ConstTensor td_error, const PriorityPower& power, ConstIntTensor guard = {}) {
    check_prioritized_update(nodes, max_priority, slot, td_error, guard);
    do_prioritized_update(nodes, max_priority, slot, td_error, power, guard);
  }

  // ---- acting and reporting
  /// action(B): with probability epsilon random, otherwise the first index of the row's largest q(B,A).
  void epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) {
    check_epsilon_greedy(action, q, options);
    do_epsilon_greedy(action, q, options);
  }
  /// sums(4) += loss(1), norm(1) (0 when it is no tensor), the batch mean of y(B) - td_error(B), and 1, in
  /// double. A step that a given guard holds adds nothing.
  void add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,
                       ConstTensor td_error, ConstIntTensor guard = {}) {
    check_add_learn_stats(sums, loss, norm, y, td_error, guard);
    do_add_learn_stats(sums, loss, norm, y, td_error, guard);
  }
  /// When the guard holds this step or shows an overflow, and report(kReportWords) is still empty: writes
  /// `step`, the loss(1) and, of the sample with the largest |td_error|, its slot(B), td_error(B) and
  /// reward(B).
  void report_step(DoubleTensor report, ConstIntTensor guard, const StepId& step, ConstTensor loss,
                   ConstIntTensor slot, ConstTensor td_error, ConstTensor reward) {
    check_report_step(report, guard, loss, slot, td_error, reward);
    do_report_step(report, guard, step, loss, slot, td_error, reward);
  }

 protected:
  BELLMAN_REPLAY_OPS(virtual, = 0)
};

}  // namespace bellman
