// Fused learn steps, ready to be called: beside tests/core/cpu/every_op.h, for what a device does in one op.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/nn/device_backend.h"
#include "core/nn/fused_dqn.h"
#include "tests/support/host_tensor.h"
#include "tests/support/training/replay_backends.h"

namespace bellman::test {

class EveryFusedOp {
 public:
  struct Op {
    std::string name;
    std::function<void()> call;
  };

  explicit EveryFusedOp(DeviceBackend& device) : device_(device), tensors_(device) {
    add("dense 9, relu, dueling 3 hidden 5", 70);  // more than are done at a time
    add("dense 20, tanh, dense 33, relu, dense 2", 8);
  }

  const std::vector<Op>& ops() const { return ops_; }

 private:
  static constexpr Index kSlots = 50, kInputs = 5, kSteps = 2;

  template <class T>
  TensorView<T> counting(const Shape& shape, int modulus, T scale = 1) {
    HostTensor<T> tensor(shape);
    for (std::size_t i = 0; i < tensor.size(); ++i)
      tensor[i] = static_cast<T>((7 * i + 3) % static_cast<std::size_t>(modulus)) * scale;
    return tensors_.put(tensor);
  }

  void add(const std::string& text, Index batch) {
    const Network network(text, {kInputs});
    DenseChain chain;
    const std::string unknown = describe_dense_chain(chain, network);
    if (!unknown.empty()) fail("no chain of dense layers: ", unknown);
    const Shape arena = {network.layout().size()};
    FusedDqnMemory memory;
    for (Tensor* tensor : {&memory.online, &memory.target, &memory.gradients})
      *tensor = counting<float>(arena, 19, 0.01F);
    memory.m = tensors_.put(HostTensor<float>(arena, 0.0F));
    memory.v = tensors_.put(HostTensor<float>(arena, 0.0F));
    memory.transitions = {counting<std::int32_t>({kSlots}, 2), counting<std::int32_t>({kSlots}, kSlots),
                          counting<float>({kSlots}, 11), counting<float>({kSlots}, 2),
                          counting<float>({kSlots}, 2)};
    memory.observations = counting<float>({kSlots, kInputs}, 13, 0.1F);
    memory.td_error = tensors_.put_output<float>({batch});
    memory.loss = tensors_.put_output<float>({1});
    memory.norm = tensors_.put_output<float>({1});
    memory.guard = tensors_.put(HostTensor<std::int32_t>({kGuardWords}, 0));
    memory.sums = tensors_.put(HostTensor<double>({4}, 0.0));
    memory.report = tensors_.put(HostTensor<double>({kReportWords}, 0.0));
    const std::shared_ptr<FusedDqn> fused = device_.fused_dqn_ops()->make_fused_dqn(
        chain, {{.double_dqn = true, .max_grad_norm = 0.5}, batch}, memory);
    const auto slot = counting<std::int32_t>({kSteps, batch}, kSlots);
    ops_.push_back({"fused_dqn", [fused, slot] {
                      fused->learn({.slot = slot, .learning_rate = 0.01F, .target_tau = 0.5F});
                    }});
  }

  DeviceBackend& device_;
  PlacedTensors tensors_;
  std::vector<Op> ops_;
};

}  // namespace bellman::test
