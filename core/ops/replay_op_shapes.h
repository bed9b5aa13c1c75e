// Which shapes the ops of core/ops/replay_ops.h accept, once for all who implement them; as core/ops/op_shapes.h does
// for those of core/ops/backend.h.
//
// Throws: Error, naming the op, the argument and both shapes. Allocates nothing when all is well.
#pragma once

#include "core/ops/op_shapes.h"
#include "core/ops/replay_op_options.h"

namespace bellman {

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

}  // namespace bellman
