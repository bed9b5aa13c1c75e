// The definition of the ops on a replay memory, as plain loops over host memory.
#pragma once

#include "core/replay_ops.h"

namespace bellman {

/// For the backends whose memory is the host's: reference and cpu.
class HostReplayOps final : public ReplayOps {
 public:
  void gather(Tensor x, ConstTensor memory, ConstIntTensor slot) override;
  void gather_bytes(Tensor x, ConstByteTensor memory, ConstIntTensor slot) override;
  void scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) override;
  void scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) override;
  void gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,
                          ConstIntTensor slot) override;
  void scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,
                           ConstIntTensor slot) override;
  void sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) override;
  void sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) override;
  void prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                       ConstIntTensor added, double alpha) override;
  void prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,
                          const PrioritizedDraw& draw) override;
  void prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                          ConstTensor td_error, const PriorityPower& power, ConstIntTensor guard) override;
  void epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) override;
  void add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,
                       ConstTensor td_error, ConstIntTensor guard) override;
  void report_step(DoubleTensor report, ConstIntTensor guard, const LearnStepName& step, ConstTensor loss,
                   ConstIntTensor slot, ConstTensor td_error, ConstTensor reward) override;
};

}  // namespace bellman
