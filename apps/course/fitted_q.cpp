#include "apps/course/fitted_q.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "core/cpu/cpu_backend.h"
#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"

namespace bellman {
namespace {

std::string hidden_twice(Index width, Index outputs) {
  const std::string hidden = "dense " + std::to_string(width) + ", tanh, ";
  return hidden + hidden + "dense " + std::to_string(outputs);
}

/// The network, its training states and its optimiser.
class QFitter {
 public:
  QFitter(const GridTask& task, const QFit& options)
      : task_(task),
        env_("grid", task, options.observation, 0),
        network_(hidden_twice(options.width, task.mdp.num_actions()), env_.spec().observation_shape),
        weights_(backend_, network_.layout()),
        gradients_(backend_, network_.layout()),
        pass_(backend_, network_, task.mdp.num_states(), true),
        adam_(backend_, network_.layout(), AdamOptions{}) {
    initialise(backend_, weights_, network_, Initialiser::kPytorch, options.seed);
  }

  void step(const std::vector<double>& q, const States& states, double learning_rate) {
    const auto batch = static_cast<Index>(states.size());
    const ConstTensor y = forward(states);
    const Tensor dy = pass_.d_activation(network_.layers(), batch);
    const Index actions = task_.mdp.num_actions();
    for (Index n = 0; n < batch; ++n)  // L = 1/(2B) sum (y - q)^2, so dL/dy = (y - q) / B
      for (Index a = 0; a < actions; ++a) {
        const Index i = n * actions + a, s = states[static_cast<std::size_t>(n)];
        dy.data()[i] = (y.data()[i] - static_cast<float>(q[static_cast<std::size_t>(s * actions + a)])) /
                       static_cast<float>(batch);
      }
    backend_.fill(gradients_.flat(), 0.0F);  // backward adds to them
    network_.backward(backend_, pass_, weights_, gradients_, batch);
    adam_.step(weights_, gradients_, static_cast<float>(learning_rate));
  }

  std::vector<double> q() {
    States all;
    for (std::int32_t s = 0; s < task_.mdp.num_states(); ++s) all.push_back(s);
    const std::span<const float> y = forward(all).host();
    std::vector<double> q(y.begin(), y.end());
    const auto actions = static_cast<std::size_t>(task_.mdp.num_actions());
    for (const std::int32_t s : all)
      if (!task_.mdp.playable(s))
        std::fill_n(q.begin() + static_cast<std::ptrdiff_t>(actions) * s, actions, 0.0);
    return q;
  }

  /// The first layer's w(O,I).
  std::vector<float> first_weights() const {
    const std::span<const float> w = weights_[0].host();
    return {w.begin(), w.end()};
  }

 private:
  ConstTensor forward(const States& states) {
    const auto batch = static_cast<Index>(states.size());
    const std::span<float> x = pass_.activation(0, batch).host();
    const std::size_t size = x.size() / states.size();
    for (std::size_t n = 0; n < states.size(); ++n) env_.observe_state(x.subspan(n * size, size), states[n]);
    return network_.forward(backend_, pass_, weights_, batch);
  }

  const GridTask& task_;
  TabularEnv env_;
  CpuBackend backend_;
  Network network_;
  Arena weights_, gradients_;
  Workspace pass_;
  Optimizer adam_;
};

}  // namespace

FittedQ fit_q(const GridTask& task, const std::vector<double>& q, const States& trained, const QFit& options,
              const std::atomic<bool>& stop,
              const std::function<void(Index step, const std::vector<double>& q)>& watch) {
  QFitter fitter(task, options);
  const std::vector<float> before = fitter.first_weights();
  Index next = 0;
  for (Index step = 0;; ++step) {
    const bool last = step == options.steps || stop;
    if (watch && (step == next || last)) {
      watch(step, fitter.q());
      next = step + 1 + step / 8;
    }
    if (last) break;
    fitter.step(q, trained, options.learning_rate);
  }
  FittedQ fitted = {fitter.q(), {}};
  if (options.observation != GridObservation::kOneHot) return fitted;
  const std::vector<float> after = fitter.first_weights();
  const std::size_t states = task.cells.size();
  fitted.untouched.assign(states, 1);
  for (std::size_t i = 0; i < after.size(); ++i)
    if (after[i] != before[i]) fitted.untouched[i % states] = 0;
  return fitted;
}

}  // namespace bellman
