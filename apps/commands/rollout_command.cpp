// `bellman rollout`: one episode of an environment, a line of JSON a step.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/run/trained_network.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "core/base/check.h"
#include "envs/env.h"
#include "rl/learn/epsilon_greedy.h"
#include "rl/train/model_file.h"

namespace bellman {
namespace {

constexpr Index kMostSteps = 1'000'000'000;
constexpr double kMostState = std::numeric_limits<float>::max();

struct RolloutOptions {
  std::unique_ptr<EnvArguments> env;
  std::string seed = "1", state, actions, policy, network, prefix;
  std::string steps = "10000";
};

/// The action for the t-th step (from 1) and the observation before it; none: the episode ends here.
using ChooseAction = std::function<std::optional<int>(Index t, std::span<const float> observation)>;

ChooseAction listed_actions(const std::string& text, const EnvSpec& spec) {
  std::vector<Index> actions;
  if (!text.empty()) actions = parse_integers("--actions", text, 0, spec.num_actions - 1);
  return [actions](Index t, std::span<const float>) -> std::optional<int> {
    if (t > static_cast<Index>(actions.size())) return std::nullopt;
    return static_cast<int>(actions[static_cast<std::size_t>(t - 1)]);
  };
}

ChooseAction greedy_actions(std::shared_ptr<TrainedNetwork> policy, const EnvSpec& spec) {
  policy->require_fit(spec);
  std::vector<float> q(static_cast<std::size_t>(spec.num_actions));
  return [policy, q](Index, std::span<const float> observation) mutable -> std::optional<int> {
    policy->q_values(q, observation, 1);
    return greedy_action(q);
  };
}

/// From an extreme --state the physics may exceed a float, and JSON has no infinity.
void check_finite(Index t, std::span<const float> observation) {
  for (std::size_t i = 0; i < observation.size(); ++i)
    if (!std::isfinite(observation[i]))
      fail("step ", t, ": number ", i, " of the observation is ", observation[i],
           ": the state exceeds a float");
}

void print_step(Index t, std::optional<int> action, std::span<const float> observation, const Shape& shape,
                const StepResult& result) {
  check_finite(t, observation);
  std::cout << "{\"t\":" << t;
  if (action) std::cout << ",\"action\":" << *action;
  std::cout << ",\"obs\":" << json_array(observation, shape);
  if (action)
    std::cout << ",\"reward\":" << json_number(result.reward) << std::boolalpha
              << ",\"terminated\":" << result.terminated << ",\"truncated\":" << result.truncated;
  std::cout << "}\n";
}

void play(Env& env, const ChooseAction& choose, Index steps) {
  const Shape shape = env.spec().observation_shape;
  std::vector<float> observation(static_cast<std::size_t>(shape.elements()));
  env.observe(observation);
  print_step(0, std::nullopt, observation, shape, {});
  for (Index t = 1; t <= steps; ++t) {
    const std::optional<int> action = choose(t, observation);
    if (!action) return;
    const StepResult result = env.step(*action);
    env.observe(observation);
    print_step(t, action, observation, shape, result);
    if (result.terminated || result.truncated) return;
  }
}

int rollout(const RolloutOptions& options, bool actions_given, bool state_given) {
  const std::uint64_t seed = parse_seed("--seed", options.seed);
  const Index steps = parse_integer("--steps", options.steps, 0, kMostSteps);
  if (actions_given != options.policy.empty()) fail("give either --actions or --policy");

  std::optional<Model> model;
  if (!actions_given) model = load_model(options.policy);
  const std::unique_ptr<Env> env =
      make_env(options.env->resolve(model ? model->env : std::nullopt, std::cerr, "bellman rollout"));
  const EnvSpec& spec = env->spec();
  ChooseAction choose;
  if (actions_given) {
    choose = listed_actions(options.actions, spec);
  } else {
    const auto policy = std::make_shared<TrainedNetwork>(
        options.policy, *std::move(model),
        NetworkHints{options.network, spec.observation_shape, options.prefix});
    std::cerr << policy->notes();
    choose = greedy_actions(policy, spec);
  }

  env->seed({seed, Purpose::kEnvironment, 0});
  env->reset();
  if (state_given) env->set_physical_state(parse_reals("--state", options.state, -kMostState, kMostState));
  play(*env, choose, steps);
  return kExitSuccess;
}

}  // namespace

RunCommand declare_rollout(CLI::App& parent) {
  CLI::App& command = declare_command(parent, "rollout", "Play one episode, a line of JSON a step");
  const auto options = std::make_shared<RolloutOptions>();
  options->env = std::make_unique<EnvArguments>(command);
  declare_text(command, "--seed", options->seed, "N",
               "of the reset and of chance, as training's first environment");
  const CLI::Option* state =
      declare_text(command, "--state", options->state, "NUMBERS",
                   "start here: x, x_dot, theta, theta_dot of CartPole, the cell's number of a gridworld");
  const CLI::Option* actions = declare_text(command, "--actions", options->actions, "NUMBERS",
                                            "these actions, one after the other: 0,1,1");
  declare_text(command, "--policy", options->policy, "FILE", "the greedy actions of this model.safetensors");
  declare_text(command, "--network", options->network, "LAYERS",
               "the policy's whole network, if its file does not describe it");
  declare_text(command, "--prefix", options->prefix, "TEXT",
               "the prefix of the weights' names, if it is not a common one");
  declare_text(command, "--steps", options->steps, "N",
               "the most steps; the end of the episode always stops it");
  return [options, actions, state] { return rollout(*options, is_given(*actions), is_given(*state)); };
}

}  // namespace bellman
