// The learn steps that PyTorch made in float64 (scripts/golden/dqn.py), and a learner's beside them.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/rl/learn/learner_rig.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace bellman::test {

// The formula of scripts/golden/dqn.py.
inline float golden_number(Index i, Index k, float denominator) {
  return static_cast<float>((i * 37 + k * 61 + 11) % 101 - 50) / denominator;
}

inline constexpr Index kGoldenBatch = 8, kGoldenInputs = 4, kGoldenActions = 3, kGoldenSteps = 5;

inline std::vector<float> golden_parameters(const Network& network, Index sequence) {
  std::vector<float> values;
  for (const ArenaLayout::Entry& entry : network.layout().entries()) {
    for (Index i = 0; i < entry.shape.elements(); ++i) values.push_back(golden_number(i, sequence, 128));
    ++sequence;
  }
  return values;
}

template <class AnyLearner>
void set_golden_batch(LearnerRig<AnyLearner>& rig, Index step, bool weighted) {
  const auto observation = [step](Index row) {
    std::vector<float> values;
    for (Index i = 0; i < kGoldenInputs; ++i)
      values.push_back(golden_number(row * kGoldenInputs + i, 100 + step, 32));
    return values;
  };
  for (Index n = 0; n < kGoldenBatch; ++n)
    rig.set_transition(
        static_cast<std::size_t>(n), observation(n),
        static_cast<std::int32_t>((7 * n + step) % kGoldenActions), golden_number(n, 200 + step, 16),
        1.0F - static_cast<float>(1 + (n + step) % 3) / 64.0F, (n + step) % 5 == 2 ? 1.0F : 0.0F,
        observation(kGoldenBatch + n), weighted ? static_cast<float>(1 + (3 * n + step) % 8) / 8.0F : 1.0F);
}

inline LearnerOptions golden_options(const Golden& golden, const std::string& name) {
  LearnerOptions options = options_for(kGoldenBatch);
  options.double_dqn = golden.number(name + ".double") != 0;
  options.target_network = golden.number(name + ".target_network") != 0;
  const double huber = golden.number(name + ".huber");
  if (huber > 0) {
    options.loss = LossKind::kHuber;
    options.huber_delta = static_cast<float>(huber);
  }
  options.max_grad_norm = static_cast<float>(golden.number(name + ".max_grad_norm"));
  options.optimizer = AdamOptions{.epsilon = 1e-6};
  return options;
}

// float32 against PyTorch's float64. A step of Adam is learning_rate g/|g| at first: a relative error in g is
// one in the step, 0.01, and five steps add up.
inline constexpr double kGoldenBound = 5e-6;

template <class AnyLearner, class... More>
void check_golden_case(Backend& backend, const Golden& golden, const std::string& name, const More&... more) {
  const std::string head = golden.number(name + ".dueling") != 0 ? "dueling 3" : "dense 3";
  LearnerRig<AnyLearner> rig(backend, "dense 6, relu, dense 6, tanh, " + head, {kGoldenInputs},
                             golden_options(golden, name), more...);
  rig.set_both(golden_parameters(rig.network, 0), golden_parameters(rig.network, 40));

  std::vector<double> loss, mean_q, norm, td_error;
  for (Index step = 0; step < kGoldenSteps; ++step) {
    set_golden_batch(rig, step, golden.number(name + ".weighted") != 0);
    const LearnStats stats = rig.learn(kGoldenBatch, 0.01F);
    loss.push_back(stats.loss);
    mean_q.push_back(stats.mean_q);
    norm.push_back(std::isnan(stats.gradient_norm) ? 0 : stats.gradient_norm);
    td_error.insert(td_error.end(), rig.td_error.begin(), rig.td_error.end());
    if (step == 2) rig.learner.update_target(static_cast<float>(golden.number(name + ".tau")));
  }
  const auto expected = [&](const char* what) { return golden[name + what].span(); };
  check_close<double, double>(loss, expected(".loss"), kGoldenBound);
  check_close<double, double>(mean_q, expected(".mean_q"), kGoldenBound);
  check_close<double, double>(norm, expected(".gradient_norm"), kGoldenBound);
  check_close<double, double>(td_error, expected(".td_error"), kGoldenBound);
  check_close<float, double>(rig.online(), expected(".online"), kGoldenBound);
  if (golden.number(name + ".target_network") != 0)
    check_close<float, double>(rig.target(), expected(".target"), kGoldenBound);
}

}  // namespace bellman::test
