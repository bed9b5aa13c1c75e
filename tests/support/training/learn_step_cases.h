// Learn steps that together cover all settings, to compare one learner with another.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "rl/learn/learner.h"

namespace bellman::test {

/// Case i of many: each setting changes with a period of its own.
inline LearnerOptions varied(LearnerOptions options, std::size_t i) {
  options.double_dqn = i % 2 == 0;
  options.target_network = i % 5 != 4;
  options.loss = i % 3 == 1 ? LossKind::kHuber : LossKind::kMeanSquaredError;
  options.huber_delta = 0.5F;
  options.max_grad_norm = i % 4 == 2 ? 0.1F : 0.0F;
  options.optimizer =
      AdamOptions{.epsilon = 1e-6, .weight_decay = i % 3 == 0 ? 0.01 : 0, .decoupled = i % 6 == 0};
  return options;
}

/// Two dense layers of these widths and a head.
inline std::string varied_network(Index width, Index next_width, std::size_t i) {
  const char* const activations[] = {", relu", ", tanh", ", relu", ""};
  const char* const heads[] = {"dense 2", "dueling 3", "dense 17", "dueling 4 hidden 9", "dense 1"};
  return "dense " + std::to_string(width) + activations[i % 4] + ", dense " + std::to_string(next_width) +
         activations[(i + 1) % 4] + ", " + heads[i % 5];
}

/// A Learner's parameters under the names that DqnUpdate's have.
template <class L>
struct LearnerParameters {
  L& learner;
  void get(std::span<float> out) const { learner.get_parameters(out); }
  void set(std::span<const float> in) const { learner.set_parameters(in); }
};

/// Gives both learners the same target network, which differs from the online one.
template <class A, class B>
void spread_parameters(A& a, B& b) {
  std::vector<float> online(static_cast<std::size_t>(a.online().flat().elements()));
  const auto parameters_of = [](auto& learner) -> decltype(auto) {
    if constexpr (requires { learner.parameters(); })
      return learner.parameters();  // DqnUpdate's
    else
      return LearnerParameters<std::remove_reference_t<decltype(learner)>>{learner};
  };
  parameters_of(a).get(online);
  std::vector<float> target = online;
  for (std::size_t i = 0; i < online.size(); ++i) target[i] = online[i] * (i % 2 == 0 ? 0.75F : 1.25F);
  const auto set = [&](auto& learner) {
    parameters_of(learner).set(target);
    learner.update_target(1.0F);
    parameters_of(learner).set(online);
  };
  set(a);
  set(b);
}

}  // namespace bellman::test
