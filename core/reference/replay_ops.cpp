#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/numeric.h"
#include "core/reference/losses.h"
#include "core/reference/reference_backend.h"
#include "core/reference/tensor_access.h"

namespace bellman {
namespace {

using reference::at;

template <class T, class Stored>
void gather_rows(TensorView<T> x, TensorView<const Stored> memory, ConstIntTensor slot) {
  for (Index n = 0; n < slot[0]; ++n)
    for (Index i = 0; i < memory[1]; ++i) at(x, n, i) = static_cast<T>(at(memory, at(slot, n), i));
}

template <class Stored, class T>
void scatter_rows(TensorView<Stored> memory, TensorView<const T> x, ConstIntTensor slot) {
  for (Index n = 0; n < slot[0]; ++n)
    for (Index i = 0; i < memory[1]; ++i) at(memory, at(slot, n), i) = static_cast<Stored>(at(x, n, i));
}

void copy_transition(const TransitionTensors& to, Index i, const TransitionTensors& from, Index j) {
  at(to.action, i) = at(from.action, j);
  at(to.next_slot, i) = at(from.next_slot, j);
  at(to.reward, i) = at(from.reward, j);
  at(to.discount, i) = at(from.discount, j);
  at(to.terminated, i) = at(from.terminated, j);
}

void set_leaf(DoubleTensor nodes, Index leaf, double weight) {
  Index i = nodes[0] / 2 + leaf;
  at(nodes, i) = weight;
  for (i /= 2; i > 0; i /= 2) at(nodes, i) = at(nodes, 2 * i) + at(nodes, 2 * i + 1);
}

std::int32_t find_leaf(ConstDoubleTensor nodes, double mass) {
  const Index leaves = nodes[0] / 2;
  mass = std::max(mass, 0.0);
  Index i = 1;
  while (i < leaves) {
    const double left = at(nodes, 2 * i), right = at(nodes, 2 * i + 1);
    if (mass < left || right == 0) {
      i = 2 * i;
    } else {
      mass -= left;
      i = 2 * i + 1;
    }
  }
  return static_cast<std::int32_t>(i - leaves);
}

}  // namespace

// ---- rows

void HostReplayOps::do_gather(Tensor x, ConstTensor memory, ConstIntTensor slot) {
  gather_rows(x, memory, slot);
}
void HostReplayOps::do_gather_bytes(Tensor x, ConstByteTensor memory, ConstIntTensor slot) {
  gather_rows(x, memory, slot);
}
void HostReplayOps::do_scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) {
  scatter_rows(memory, x, slot);
}
void HostReplayOps::do_scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) {
  scatter_rows(memory, x, slot);
}
void HostReplayOps::do_gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,
                                          ConstIntTensor slot) {
  for (Index n = 0; n < slot[0]; ++n) copy_transition(batch, n, memory, at(slot, n));
}
void HostReplayOps::do_scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,
                                           ConstIntTensor slot) {
  for (Index n = 0; n < slot[0]; ++n) copy_transition(memory, at(slot, n), batch, n);
}

// ---- sum-tree

void HostReplayOps::do_sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) {
  for (Index n = 0; n < leaf[0]; ++n) set_leaf(nodes, at(leaf, n), at(weight, n));
}
void HostReplayOps::do_sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) {
  for (Index n = 0; n < leaf[0]; ++n) at(leaf, n) = find_leaf(nodes, at(mass, n));
}

// ---- prioritised replay

void HostReplayOps::do_prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority,
                                       ConstIntTensor slot, ConstIntTensor added, double alpha) {
  const double weight = deterministic_pow(at(max_priority, 0), alpha);
  for (Index n = 0; n < slot[0]; ++n) set_leaf(nodes, at(slot, n), at(added, n) != 0 ? weight : 0.0);
}
void HostReplayOps::do_prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,
                                          const PrioritizedDraw& draw) {
  const Index batch = slot[0], leaves = nodes[0] / 2;
  for (Index n = 0; n < batch; ++n)
    at(slot, n) = find_leaf(nodes, stratified_mass(draw, n, batch, at(nodes, 1)));

  const auto tree_weight = [&](Index n) { return at(nodes, leaves + at(slot, n)); };
  double least = tree_weight(0);
  for (Index n = 1; n < batch; ++n) least = std::min(least, tree_weight(n));
  for (Index n = 0; n < batch; ++n)
    at(weight, n) = static_cast<float>(deterministic_pow(least / tree_weight(n), draw.beta));
}
void HostReplayOps::do_prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                                          ConstTensor td_error, const PriorityPower& power,
                                          ConstIntTensor guard) {
  if (guard && at(guard, kHeld) != 0) return;
  for (Index n = 0; n < slot[0]; ++n) {
    const bool evicted = at(nodes, nodes[0] / 2 + at(slot, n)) == 0;
    if (evicted || !std::isfinite(at(td_error, n))) continue;
    const double priority = std::abs(static_cast<double>(at(td_error, n))) + power.epsilon;
    at(max_priority, 0) = std::max(at(max_priority, 0), priority);
    set_leaf(nodes, at(slot, n), deterministic_pow(priority, power.alpha));
  }
}

// ---- acting and reporting

void HostReplayOps::do_epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) {
  for (Index n = 0; n < q[0]; ++n) {
    const std::int32_t explored = exploratory_action(
        options, options.first_env + static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(q[1]));
    at(action, n) = explored >= 0 ? explored : static_cast<std::int32_t>(reference::argmax_of_row(q, n));
  }
}
void HostReplayOps::do_add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,
                                       ConstTensor td_error, ConstIntTensor guard) {
  if (guard && at(guard, kHeld) != 0) return;
  double sum_q = 0;  // q[a] = y - (y - q[a])
  for (Index n = 0; n < y[0]; ++n)
    sum_q += static_cast<double>(at(y, n)) - static_cast<double>(at(td_error, n));
  at(sums, 0) += static_cast<double>(at(loss, 0));
  at(sums, 1) += norm ? static_cast<double>(at(norm, 0)) : 0.0;
  at(sums, 2) += sum_q / static_cast<double>(y[0]);
  at(sums, 3) += 1;
}

void HostReplayOps::do_report_step(DoubleTensor report, ConstIntTensor guard, const StepId& step,
                                   ConstTensor loss, ConstIntTensor slot, ConstTensor td_error,
                                   ConstTensor reward) {
  if ((at(guard, kHeld) == 0 && at(guard, kOverflowed) == 0) || at(report, kNumber) != 0) return;
  const auto size = [&](Index n) {  // of the sample's TD error; NaN is the largest
    const float d = std::abs(at(td_error, n));
    return std::isnan(d) ? std::numeric_limits<double>::infinity() : std::min<double>(d, 1e39);
  };
  Index sample = 0;
  for (Index n = 1; n < slot[0]; ++n)
    if (size(n) > size(sample)) sample = n;
  at(report, kNumber) = static_cast<double>(step.number);
  at(report, kTimestep) = static_cast<double>(step.timestep);
  at(report, kLoss) = at(loss, 0);
  at(report, kSample) = static_cast<double>(sample);
  at(report, kSlot) = at(slot, sample);
  at(report, kTdError) = at(td_error, sample);
  at(report, kReward) = at(reward, sample);
}

}  // namespace bellman
