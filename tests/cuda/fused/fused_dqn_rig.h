// A replay memory of made-up experience, and the two that learn from it: DqnUpdate on the definition's
// backend, and the fused step on a device.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/nn/fused_dqn.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/dqn_update.h"
#include "tests/support/backends.h"
#include "tests/support/host_tensor.h"
#include "tests/support/training/learn_step_magnitudes.h"
#include "tests/support/training/replay_backends.h"
#include "tests/support/transfer.h"

namespace bellman::test {

inline std::vector<std::unique_ptr<DeviceBackend>> wanted_devices() {
  std::vector<std::unique_ptr<DeviceBackend>> devices = device_backends();
  std::erase_if(devices, [](const auto& device) { return !backend_is_wanted(device->name()); });
  return devices;
}

inline std::vector<float> numbers_of(Backend& backend, const Arena& arena) {
  return fetch(backend, arena.flat());
}

/// Transitions from random observations in [-1, 1] (bytes: 0 or 1) to the slot after.
struct Experience {
  Experience(Index slot_count, Index width, Index actions_there, bool as_bytes)
      : slots(slot_count), inputs(width), bytes(as_bytes) {
    RandomSequence random({31, Purpose::kTest, 0});
    for (Index slot = 0; slot < slots; ++slot) {
      for (Index i = 0; i < inputs; ++i)
        observations.push_back(bytes ? static_cast<float>(random.uniform(0, 1) < 0.5)
                                     : static_cast<float>(random.uniform(-1, 1)));
      actions.push_back(static_cast<std::int32_t>(random.uniform(0, double(actions_there))));
      next_slots.push_back(static_cast<std::int32_t>((slot + 1) % slots));
      rewards.push_back(static_cast<float>(random.uniform(-1, 1)));
      discounts.push_back(slot % 3 == 0 ? 0.99F : 0.97F);
      terminated.push_back(random.uniform(0, 1) < 0.2 ? 1.0F : 0.0F);
    }
  }
  std::vector<std::int32_t> draw(int step, Index batch) const {
    RandomSequence random({32, Purpose::kTest, 0}, static_cast<std::uint64_t>(step));
    std::vector<std::int32_t> drawn;
    for (Index n = 0; n < batch; ++n)
      drawn.push_back(static_cast<std::int32_t>(random.uniform(0, double(slots))));
    return drawn;
  }
  std::vector<float> weights(std::size_t count) const {
    std::vector<float> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(static_cast<float>(1 + (7 * i) % 10) / 10);
    return all;
  }

  Index slots, inputs;
  bool bytes;
  std::vector<float> observations;
  std::vector<std::int32_t> actions, next_slots;
  std::vector<float> rewards, discounts, terminated;
};

/// Op by op.
struct PlainDqn {
  PlainDqn(const std::string& text, const Shape& input, const LearnerOptions& options)
      : network(text, input), update(backend, network, options), batch(options.max_batch) {}

  void use(const Experience& e) { experience = &e; }

  void learn(const std::vector<std::int32_t>& slots, const std::vector<float>& weights, float rate) {
    const DqnUpdate::Batch there = update.batch(batch);
    const auto width = static_cast<std::size_t>(experience->inputs);
    for (std::size_t n = 0; n < slots.size(); ++n) {
      const auto slot = static_cast<std::size_t>(slots[n]);
      const auto next = static_cast<std::size_t>(experience->next_slots[slot]);
      for (std::size_t i = 0; i < width; ++i) {
        there.observations.data()[n * width + i] = experience->observations[slot * width + i];
        there.next_observations.data()[n * width + i] = experience->observations[next * width + i];
      }
      there.transitions.action.data()[n] = experience->actions[slot];
      there.transitions.reward.data()[n] = experience->rewards[slot];
      there.transitions.discount.data()[n] = experience->discounts[slot];
      there.transitions.terminated.data()[n] = experience->terminated[slot];
      there.weights.data()[n] = weights.empty() ? 1.0F : weights[n];
    }
    update.run(batch, rate);
  }
  LearnStepMagnitudes magnitudes(const std::vector<std::int32_t>& slots) {
    DenseChain chain;
    REQUIRE(describe_dense_chain(chain, network).empty());
    std::vector<std::int32_t> actions;
    for (const std::int32_t slot : slots)
      actions.push_back(experience->actions[static_cast<std::size_t>(slot)]);
    return {chain, numbers_of(backend, update.online()), numbers_of(backend, update.target()), actions};
  }
  std::vector<float> td_error() { return fetch(backend, update.td_error(batch)); }
  double loss() { return double(update.loss().data()[0]); }
  double norm() { return double(update.gradient_norm().data()[0]); }

  ReferenceBackend<float> backend;
  Network network;
  DqnUpdate update;
  Index batch;
  const Experience* experience = nullptr;
};

/// The fused step; `update` owns the arenas.
class FusedDqnRig {
 public:
  FusedDqnRig(DeviceBackend& device, const std::string& text, const Shape& input,
              const LearnerOptions& options)
      : network_(text, input),
        update(device, network_, options),
        device_(device),
        tensors_(device),
        batch_(options.max_batch),
        options_(DqnUpdate::fused_options(options)),
        memory_(update.memory(batch_)) {
    REQUIRE(describe_dense_chain(chain_, network_).empty());
    memory_.sums = tensors_.put(HostTensor<double>({4}, 0.0));
    memory_.report = tensors_.put(HostTensor<double>({kReportWords}, 0.0));
  }

  void use(const Experience& e) {
    const auto put = [this, &e](const auto& values) {
      using T = std::decay_t<decltype(values[0])>;
      return tensors_.put(HostTensor<T>({e.slots}, values));
    };
    memory_.transitions = {put(e.actions), put(e.next_slots), put(e.rewards), put(e.discounts),
                           put(e.terminated)};
    if (e.bytes) {
      const std::vector<std::uint8_t> bytes(e.observations.begin(), e.observations.end());
      memory_.byte_observations = tensors_.put(HostTensor<std::uint8_t>({e.slots, e.inputs}, bytes));
    } else {
      memory_.observations = tensors_.put(HostTensor<float>({e.slots, e.inputs}, e.observations));
    }
    fused_ = device_.fused_dqn_ops()->make_fused_dqn(chain_, options_, memory_);
  }

  /// As many steps as there are batches of slots, in one launch.
  void learn(const std::vector<std::int32_t>& slots, const std::vector<float>& weights, float rate,
             float tau = 0) {
    const Shape shape = {static_cast<Index>(slots.size()) / batch_, batch_};
    PlacedTensors placed(device_);
    FusedDqnSteps steps;
    steps.slot = placed.put(HostTensor<std::int32_t>(shape, slots));
    if (!weights.empty()) steps.weight = placed.put(HostTensor<float>(shape, weights));
    steps.learning_rate = rate;
    steps.first_step = steps_ + 1;
    steps.name = {.number = static_cast<std::uint64_t>(steps_ + 1), .timestep = 10 * steps_};
    steps.target_tau = tau;
    fused_->learn(steps);
    steps_ += shape[0];
    loss();  // waits: the slots are released here
  }

  std::vector<float> td_error() { return fetch(device_, memory_.td_error); }
  double loss() { return double(fetch(device_, memory_.loss)[0]); }
  double norm() { return double(fetch(device_, memory_.norm)[0]); }
  std::vector<std::int32_t> guard() { return fetch(device_, memory_.guard); }
  std::vector<double> sums() { return fetch(device_, memory_.sums); }
  std::vector<double> report() { return fetch(device_, memory_.report); }
  std::vector<double> parameters_and_moments() {
    return numbers({memory_.online, memory_.target, memory_.m, memory_.v});
  }
  /// How many of everything() come first and are parameters_and_moments().
  std::ptrdiff_t kept() const { return 4 * memory_.online.elements(); }
  std::vector<double> everything() {
    std::vector<double> all = numbers({memory_.online, memory_.target, memory_.m, memory_.v,
                                       memory_.gradients, memory_.td_error, memory_.loss});
    for (const double sum : sums()) all.push_back(sum);
    return all;
  }
  std::string description() {
    use(Experience(10, network_.input_shape().elements(), 2, false));
    return fused_->description();
  }

 private:
  std::vector<double> numbers(const std::vector<Tensor>& tensors) {
    std::vector<double> all;
    for (const Tensor& tensor : tensors)
      for (const float number : fetch(device_, tensor)) all.push_back(double(number));
    return all;
  }

  Network network_;

 public:
  DqnUpdate update;

 private:
  DeviceBackend& device_;
  PlacedTensors tensors_;
  Index batch_, steps_ = 0;
  DenseChain chain_;
  FusedDqnOptions options_;
  FusedDqnMemory memory_;
  std::unique_ptr<FusedDqn> fused_;
};

}  // namespace bellman::test
