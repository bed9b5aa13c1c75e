// Small models, saved as training saves them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/train/model_file.h"

namespace bellman::test {

/// A linear model: Q(s, .) = w s + b.
inline Model linear_model(const std::string& env_id, Index inputs, Index actions, const std::vector<float>& w,
                          const std::vector<float>& b) {
  Model model;
  model.network = "dense " + std::to_string(actions);
  model.input_shape = {inputs};
  model.env.emplace();
  model.env->id = env_id;
  model.parameters.add("0.weight", {actions, inputs}, w);
  model.parameters.add("0.bias", {actions}, b);
  return model;
}

/// Pushes the cart towards where the pole falls; enough to balance it for hundreds of steps.
inline Model balancing_model() {
  return linear_model("CartPole-v1", 4, 2, {0, 0, 0, 0, 0.1F, 0.5F, 4, 1}, {0, 0});
}

/// The exact Q* of a gridworld seen as one-hot, as a linear model.
inline Model optimal_model(const EnvOptions& options, double gamma) {
  const std::unique_ptr<Env> env = make_env(options);
  const TabularMdp& mdp = as_tabular(*env)->task().mdp;
  const std::vector<double> q = value_iteration(mdp, gamma).q;  // (S,A)
  const auto states = static_cast<std::size_t>(mdp.num_states()),
             actions = static_cast<std::size_t>(mdp.num_actions());
  std::vector<float> w(states * actions);
  for (std::size_t s = 0; s < states; ++s)
    for (std::size_t a = 0; a < actions; ++a) w[a * states + s] = static_cast<float>(q[s * actions + a]);
  Model model =
      linear_model(options.id, mdp.num_states(), mdp.num_actions(), w, std::vector<float>(actions, 0.0F));
  model.env = options;
  return model;
}

inline std::string saved(const Model& model, const std::filesystem::path& path) {
  save_model(path, model);
  return path.string();
}

}  // namespace bellman::test
