// Every op on a replay memory, ready to be called: beside tests/core/cpu/every_op.h, for the other half of
// what a device does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/host_tensor.h"
#include "tests/support/training/replay_backends.h"

namespace bellman::test {

/// Sizes are such that batches need more than one pass and a tree more than one round.
class EveryReplayOp {
 public:
  struct Op {
    std::string name;
    std::function<void()> call;
  };

  EveryReplayOp(Backend& backend, ReplayOps& ops) : ops_on_replay_(ops), tensors_(backend) {
    add_rows();
    add_tree();
    add_acting();
  }

  const std::vector<Op>& ops() const { return ops_; }

 private:
  static constexpr Index kSlots = 2048, kBatch = 40, kLarge = 1100;

  void add(const char* name, std::function<void()> call) { ops_.push_back({name, std::move(call)}); }

  template <class T>
  TensorView<T> counting(const Shape& shape, int modulus) {
    HostTensor<T> tensor(shape);
    for (std::size_t i = 0; i < tensor.size(); ++i)
      tensor[i] = static_cast<T>((7 * i + 3) % static_cast<std::size_t>(modulus));
    return tensors_.put(tensor);
  }

  void add_rows() {
    ReplayOps& ops = ops_on_replay_;
    const auto slot =
        counting<std::int32_t>({kBatch}, kSlots);  // 7 and 2048 have no common divisor: none twice
    const auto memory = counting<float>({kSlots, 5}, 19), x = counting<float>({kBatch, 5}, 13);
    const auto bytes = counting<std::uint8_t>({kSlots, 9}, 251);
    const auto byte_x = counting<float>({kBatch, 9}, 251);
    add("gather", [=, &ops] { ops.gather(x, memory, slot); });
    add("scatter", [=, &ops] { ops.scatter(memory, x, slot); });
    add("gather_bytes", [=, &ops] { ops.gather_bytes(byte_x, bytes, slot); });
    add("scatter_bytes", [=, &ops] { ops.scatter_bytes(bytes, byte_x, slot); });
    const TransitionTensors kept = transitions(kSlots), batch = transitions(kBatch);
    add("gather_transitions", [=, &ops] { ops.gather_transitions(batch, kept, slot); });
    add("scatter_transitions", [=, &ops] { ops.scatter_transitions(kept, batch, slot); });
  }

  TransitionTensors transitions(Index count) {
    return {counting<std::int32_t>({count}, 4), counting<std::int32_t>({count}, kSlots),
            counting<float>({count}, 11), counting<float>({count}, 3), counting<float>({count}, 2)};
  }

  void add_tree() {
    ReplayOps& ops = ops_on_replay_;
    const auto nodes = tensors_.put(HostTensor<double>({2 * kSlots}, 0.0));
    const auto max_priority = tensors_.put(HostTensor<double>({1}, 1.5));
    const auto leaf = counting<std::int32_t>({kLarge}, kSlots), again = counting<std::int32_t>({kLarge}, 50);
    const auto weight = counting<double>({kLarge}, 17);
    const auto slot = counting<std::int32_t>({kBatch}, kSlots), added = counting<std::int32_t>({kLarge}, 2);
    const auto td_error = counting<float>({kLarge}, 23), importance = counting<float>({kBatch}, 2);
    const auto mass = counting<double>({kBatch}, 100);
    add("sum_tree_set", [=, &ops] { ops.sum_tree_set(nodes, leaf, weight); });
    add("sum_tree_set", [=, &ops] { ops.sum_tree_set(nodes, again, weight); });
    add("sum_tree_find", [=, &ops] { ops.sum_tree_find(slot, nodes, mass); });
    add("prioritized_add", [=, &ops] { ops.prioritized_add(nodes, max_priority, leaf, added, 0.6); });
    add("prioritized_sample", [=, &ops] {
      ops.prioritized_sample(slot, importance, nodes, {.seed = 3, .learn_step = 4, .beta = 0.5});
    });
    add("prioritized_update",
        [=, &ops] { ops.prioritized_update(nodes, max_priority, again, td_error, {}); });
  }

  void add_acting() {
    ReplayOps& ops = ops_on_replay_;
    const auto action = counting<std::int32_t>({kBatch}, 2);
    const auto q = counting<float>({kBatch, 6}, 29), y = counting<float>({kBatch}, 5);
    const auto one = counting<float>({1}, 7);
    const auto sums = tensors_.put(HostTensor<double>({4}, 0.0));
    add("epsilon_greedy", [=, &ops] {
      ops.epsilon_greedy(action, q, {.seed = 1, .round = 2, .epsilon = 0.5, .first_env = 0});
    });
    add("add_learn_stats", [=, &ops] { ops.add_learn_stats(sums, one, one, y, y); });
    const auto report = tensors_.put(HostTensor<double>({kReportWords}, 0.0));
    const auto guard = tensors_.put(HostTensor<std::int32_t>({kGuardWords}, 1));
    add("report_step", [=, &ops] { ops.report_step(report, guard, {3, 4}, one, action, y, y); });
  }

  ReplayOps& ops_on_replay_;
  PlacedTensors tensors_;
  std::vector<Op> ops_;
};

}  // namespace bellman::test
