// The ops on a replay memory that lies beside the network, in a backend's memory: rows go in and out, a
// sum-tree is kept and drawn from, actions are chosen. With them a whole learn step, sampling included, needs
// nothing from the host.
//
// Conventions as in core/ops/backend.h: outputs, inputs, configuration; what is read and written is in the memory
// of the backend that implements them. The definitions stand in core/reference/replay_ops.cpp.
//
// An op checks what it is given (core/ops/replay_op_shapes.h) and calls the implementation's do_<op>.
//
// Throws: every op throws Error, naming itself and both shapes, when shapes do not fit together.
#pragma once

#include "core/base/tensor.h"
#include "core/ops/replay_op_options.h"
#include "core/ops/replay_op_shapes.h"
#include "core/ops/step_guard.h"

namespace bellman {

/// The list of them, as core/ops/backend_ops.h.
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
  BEGIN void do_report_step(DoubleTensor report, ConstIntTensor guard, const LearnStepName& step,            \
                            ConstTensor loss, ConstIntTensor slot, ConstTensor td_error, ConstTensor reward) \
      END;

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
  /// memory(S,I): row slot(B)[n] becomes row n of x(B,I), nothing else changes. REQUIRES: no slot is there
  /// twice; for bytes: x holds whole numbers from 0 to 255.
  void scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) {
    check_gather("scatter", x, memory, slot);
    do_scatter(memory, x, slot);
  }
  void scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) {
    check_gather("scatter_bytes", x, memory, slot);
    do_scatter_bytes(memory, x, slot);
  }
  /// The n-th transition of batch (B) is the one at slot(B)[n] of memory (S); and the other way.
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
  // children 2 i and 2 i + 1, the root is node 1, leaf j is node L + j. Weights are 0 or positive and finite.
  // An inner node is always computed afresh from its two children, so the same leaves give the same bits
  // everywhere.
  /// Leaf leaf(B)[n] becomes weight(B)[n]; of a leaf that is there more than once the last weight stays.
  void sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) {
    check_sum_tree("sum_tree_set", nodes, leaf, weight);
    do_sum_tree_set(nodes, leaf, weight);
  }
  /// leaf(B)[n]: the leaf whose interval [w_0 + .. + w_(i-1), w_0 + .. + w_i) holds mass(B)[n], up to
  /// rounding. From the root to the left child when mass < left or right == 0, otherwise to the right one
  /// with mass - left. REQUIRES: some weight is positive; mass is not NaN.
  void sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) {
    check_sum_tree("sum_tree_find", nodes, leaf, mass);
    do_sum_tree_find(leaf, nodes, mass);
  }

  // ---- prioritised replay on such a tree (rl/replay/sampler.h, PrioritizedSampler, does the same on the host)
  /// Slot slot(B)[n] can be drawn from now on, with the weight of the largest priority so far,
  /// max_priority(1)^alpha, where added(B)[n] is 1; where it is 0 it cannot be drawn any more. In the order
  /// of n.
  void prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                       ConstIntTensor added, double alpha) {
    check_prioritized_add(nodes, max_priority, slot, added);
    do_prioritized_add(nodes, max_priority, slot, added, alpha);
  }
  /// slot(B), stratified; weight(B) = (least / p_slot)^beta, least the smallest tree weight of the batch.
  void prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,
                          const PrioritizedDraw& draw) {
    check_prioritized_sample(slot, weight, nodes);
    do_prioritized_sample(slot, weight, nodes, draw);
  }
  /// Slot slot(B)[n] gets the weight (|td_error(B)[n]| + epsilon)^alpha, the last one of a slot that is there
  /// more than once; max_priority(1) grows to the largest |td_error| + epsilon of them all. Passed over:
  /// slots of weight 0 (evicted), and TD errors that are not finite. Does nothing when a guard is given that
  /// holds the step (BasicBackend::guard_step).
  void prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                          ConstTensor td_error, const PriorityPower& power, ConstIntTensor guard = {}) {
    check_prioritized_update(nodes, max_priority, slot, td_error, guard);
    do_prioritized_update(nodes, max_priority, slot, td_error, power, guard);
  }

  // ---- acting and telling
  /// action(B): with probability epsilon a random one, otherwise the first of the largest q(B,A) of the row.
  void epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) {
    check_epsilon_greedy(action, q, options);
    do_epsilon_greedy(action, q, options);
  }
  /// sums(4) += loss(1), norm(1) (0 when it is no tensor), the mean over the batch of y(B) - td_error(B), 1.
  /// In double. Nothing is added for a step that the guard holds, when it is given.
  void add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,
                       ConstTensor td_error, ConstIntTensor guard = {}) {
    check_add_learn_stats(sums, loss, norm, y, td_error, guard);
    do_add_learn_stats(sums, loss, norm, y, td_error, guard);
  }
  /// When the guard holds the step of that name or says that it overflowed, and report(kReportWords) is of no
  /// step yet: writes it, with the loss(1) and, of the sample in question, slot(B), td_error(B) and
  /// reward(B).
  void report_step(DoubleTensor report, ConstIntTensor guard, const LearnStepName& step, ConstTensor loss,
                   ConstIntTensor slot, ConstTensor td_error, ConstTensor reward) {
    check_report_step(report, guard, loss, slot, td_error, reward);
    do_report_step(report, guard, step, loss, slot, td_error, reward);
  }

 protected:
  BELLMAN_REPLAY_OPS(virtual, = 0)
};

}  // namespace bellman
