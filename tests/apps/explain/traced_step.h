// A traced gradient step of "dense 6, relu, dense 2", and its definition written out in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/explain/update_trace.h"

namespace bellman::test {

inline TrainConfig small_config() {
  TrainConfig config;
  config.env.id = "CartPole-v1";
  config.total_timesteps = 600;
  config.network = "dense 6, relu";
  config.learning_starts = 50;
  config.batch_size = 8;
  config.train_frequency = 2;
  config.target_network_frequency = 40;
  config.buffer_size = 300;
  config.learning_rate = 1e-3;
  config.learner = LearnerKind::kOpByOp;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  return config;
}

inline UpdateTrace traced(const TrainConfig& config, Index number) {
  return trace_update(capture_update(config, nullptr, "test", number));
}

/// x(I) through a dense layer of the trace, in double.
inline std::vector<double> dense(const UpdateTrace& trace, const std::string& parameters,
                                 const std::string& layer, const std::vector<double>& x) {
  const TracedTensor &w = trace.tensor(parameters + layer + ".weight"),
                     &b = trace.tensor(parameters + layer + ".bias");
  std::vector<double> y;
  for (Index j = 0; j < w.shape[0]; ++j) {
    double sum = b.values[static_cast<std::size_t>(j)];
    for (Index i = 0; i < w.shape[1]; ++i) sum += w.at(j, i) * x[static_cast<std::size_t>(i)];
    y.push_back(sum);
  }
  return y;
}

/// Q of "dense 6, relu, dense 2".
inline std::vector<double> q_values(const UpdateTrace& trace, const std::string& parameters,
                                    std::vector<double> x) {
  x = dense(trace, parameters, "0", x);
  for (double& value : x) value = std::max(value, 0.0);
  return dense(trace, parameters, "2", x);
}

inline std::vector<double> row(const TracedTensor& tensor, Index n) {
  const std::size_t width = tensor.values.size() / static_cast<std::size_t>(tensor.shape[0]);
  const auto first = tensor.values.begin() + static_cast<std::ptrdiff_t>(width) * n;
  return {first, first + static_cast<std::ptrdiff_t>(width)};
}

inline constexpr double kFloat = 2e-6;  // relative; sums of at most 32 float products

inline void check_near(double is, double expected) {
  CHECK_MESSAGE(std::abs(is - expected) <= kFloat * std::max(1.0, std::abs(expected)),
                is << " should be " << expected);
}

/// Of DQN or Double DQN with Adam: CHECKs that every number of the step follows from those before it.
inline void check_definitions(const UpdateTrace& trace) {
  const TrainConfig& config = trace.update.config;
  const std::string judge = config.target_network ? "target." : "theta.";
  const auto batch = static_cast<double>(trace.update.next.batch.size);
  double loss = 0;
  std::vector<double> dw(static_cast<std::size_t>(trace.tensor("gradient.2.bias").values.size()), 0);
  for (Index n = 0; n < trace.update.next.batch.size; ++n) {
    const auto k = static_cast<std::size_t>(n);
    const std::vector<double> q = q_values(trace, "theta.", row(trace.tensor("a0"), n));
    const std::vector<double> next = q_values(trace, judge, row(trace.tensor("next_observation"), n));
    const std::vector<double> chooser =
        config.double_dqn ? q_values(trace, "theta.", row(trace.tensor("next_observation"), n)) : next;
    const auto best =
        static_cast<std::size_t>(std::max_element(chooser.begin(), chooser.end()) - chooser.begin());
    const auto a = static_cast<std::size_t>(trace.tensor("action").values[k]);
    const double y = trace.tensor("reward").values[k] + trace.tensor("discount").values[k] *
                                                            (1 - trace.tensor("terminated").values[k]) *
                                                            next[best];
    const double delta = y - q[a], w = trace.tensor("weight").values[k], huber = config.huber_delta;
    const bool is_huber = config.loss == LossKind::kHuber;
    for (std::size_t i = 0; i < q.size(); ++i)
      check_near(trace.tensor("q.now").at(n, static_cast<Index>(i)), q[i]);
    check_near(trace.tensor("y").values[k], y);
    check_near(trace.tensor("td_error").values[k], delta);
    loss += w *
            (!is_huber                  ? delta * delta
             : std::abs(delta) <= huber ? delta * delta / 2
                                        : huber * (std::abs(delta) - huber / 2)) /
            batch;
    dw[a] -= w * (is_huber ? std::clamp(delta, -huber, huber) : 2 * delta) / batch;
  }
  check_near(trace.tensor("loss").values[0], loss);
  for (std::size_t a = 0; a < dw.size(); ++a) check_near(trace.tensor("gradient.2.bias").values[a], dw[a]);

  double squares = 0;
  for (const TracedTensor& tensor : trace.tensors) {
    if (tensor.name.starts_with("gradient."))
      for (const double g : tensor.values) squares += g * g;
    if (!tensor.name.starts_with("difference.")) continue;
    const std::vector<double>& g = trace.tensor("gradient." + tensor.name.substr(11)).values;
    for (std::size_t i = 0; i < g.size(); ++i)
      CHECK_MESSAGE(!(std::abs(tensor.values[i] - g[i]) > 2e-4 * std::max(0.1, std::abs(g[i]))),
                    tensor.name << " " << i << ": " << tensor.values[i] << " and " << g[i]);
  }
  check_near(trace.gradient_norm, std::sqrt(squares));
  check_near(trace.clip_factor,
             config.max_grad_norm > 0 ? std::min(1.0, config.max_grad_norm / std::sqrt(squares)) : 1);

  // Adam (Kingma & Ba 2015).
  const auto t = static_cast<double>(trace.optimizer_step);
  for (const char* const name : {"0.weight", "0.bias", "2.weight", "2.bias"}) {
    const auto at = [&](const char* prefix) -> const std::vector<double>& {
      return trace.tensor(prefix + std::string(name)).values;
    };
    for (std::size_t i = 0; i < at("theta.").size(); ++i) {
      const double g = at("clipped.")[i];
      check_near(g, at("gradient.")[i] * trace.clip_factor);
      const double m = 0.9 * at("m.")[i] + 0.1 * g, v = 0.999 * at("v.")[i] + 0.001 * g * g;
      check_near(at("m.after.")[i], m);
      check_near(at("v.after.")[i], v);
      const double step = static_cast<double>(trace.update.next.step.learning_rate) *
                          (m / (1 - std::pow(0.9, t))) /
                          (std::sqrt(v / (1 - std::pow(0.999, t))) + config.optimizer_epsilon);
      check_near(at("theta.after.")[i], at("theta.")[i] - step);
    }
  }
}

/// CHECKs each draw's way through the tree, its weight and its new priority.
inline void check_draws(const UpdateTrace& trace) {
  const TrainConfig& config = trace.update.config;
  double least = 1;
  for (const TracedDraw& draw : trace.draws) least = std::min(least, draw.probability);
  for (std::size_t n = 0; n < trace.draws.size(); ++n) {
    const TracedDraw& draw = trace.draws[n];
    REQUIRE(draw.descent.size() > 0);
    check_near(draw.descent.front().left + draw.descent.front().right, trace.replay_mass);
    for (std::size_t i = 0; i + 1 < draw.descent.size(); ++i) {
      const TreeStep &at = draw.descent[i], &next = draw.descent[i + 1];
      check_near(next.left + next.right, at.goes_right ? at.right : at.left);
      check_near(next.mass, at.goes_right ? at.mass - at.left : at.mass);
    }
    check_near(trace.tensor("weight").values[n],
               std::pow(least / draw.probability, trace.update.next.step.beta));
    check_near(draw.new_priority, std::abs(trace.tensor("td_error").values[n]) + config.per_epsilon);
    CHECK(draw.age >= 0);
  }
}

}  // namespace bellman::test
