// The fused learner and the one it is compared with, side by side.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/cpu/cpu_backend.h"
#include "rl/learn/fused_cpu_learner.h"
#include "rl/learn/op_by_op_learner.h"
#include "tests/rl/learn/learner_rig.h"

namespace bellman::test {

using FusedRig = LearnerRig<FusedCpuLearner>;
using PlainRig = LearnerRig<OpByOpLearner>;

/// Options of a learner with Adam.
inline LearnerOptions adam_options(Index max_batch) {
  LearnerOptions options = options_for(max_batch);
  options.optimizer = AdamOptions{};
  return options;
}

/// f(kernels) for every instruction set that this processor has.
template <class F>
void for_each_instruction_set(F f) {
  for (const cpu::Kernels* kernels : cpu::usable_kernels()) {
    const std::string name = kernels->name;
    CAPTURE(name);
    f(*kernels);
  }
}

/// The same transitions in each of `rigs`; `round` chooses them.
template <class... Rigs>
void set_transitions(Index batch, Index round, Rigs&... rigs) {
  RandomSequence random(RandomStream{7, Purpose::kTest, 0}, static_cast<std::uint64_t>(round));
  const auto all = std::tie(rigs...);
  const Network& network = std::get<0>(all).network;
  const auto inputs = static_cast<std::size_t>(network.input_shape().elements());
  const auto actions = static_cast<double>(network.output_shape()[0]);
  const auto observation = [&] {
    std::vector<float> values(inputs);
    for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
    return values;
  };
  for (std::size_t n = 0; n < static_cast<std::size_t>(batch); ++n) {
    const std::vector<float> s = observation(), s_next = observation();
    const auto action = static_cast<std::int32_t>(random.uniform(0, actions));
    const auto reward = static_cast<float>(random.uniform(-1, 1));
    const float terminated = random.uniform(0, 1) < 0.2 ? 1.0F : 0.0F;
    const auto weight = static_cast<float>(random.uniform(0.1, 1));
    (rigs.set_transition(n, s, action, reward, n % 3 == 0 ? 0.99F : 0.97F, terminated, s_next, weight), ...);
  }
}

inline std::vector<float> moment(const auto& learner, std::size_t i) {
  const std::span<const float> all = learner.optimizer().moments()[i].values.flat().host();
  return {all.begin(), all.end()};
}
inline std::vector<float> flat(const Arena& arena) {
  const std::span<const float> all = arena.flat().host();
  return {all.begin(), all.end()};
}

}  // namespace bellman::test
