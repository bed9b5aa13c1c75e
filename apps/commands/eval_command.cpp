// `bellman eval`: plays episodes with a model and reports its returns.

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/run/policy_value.h"
#include "apps/run/trained_network.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "core/base/check.h"
#include "core/base/memory.h"
#include "envs/env.h"
#include "envs/grid/grid_task.h"
#include "envs/grid/tabular_env.h"
#include "rl/train/evaluator.h"
#include "rl/train/model_file.h"
#include "rl/train/run_memory.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions {
  std::unique_ptr<EnvArguments> env;
  std::string checkpoint, network, prefix;
  std::string episodes = "100", seed = "1", epsilon = "0";
  bool json = false, draw = false;
};

struct Report {
  std::string checkpoint, env_id;
  std::uint64_t seed = 0;
  double epsilon = 0;
  EvalResult eval;
  std::optional<ExactReturn> exact;  // of a gridworld's greedy policy
};

/// A greedy policy that walks in circles only ends at the time limit, which comes with the model.
void warn(const EnvSpec& spec) {
  constexpr Index kLong = 1'000'000;  // steps of an episode: half a minute and more
  if (spec.max_episode_steps <= kLong) return;
  std::cerr
      << "bellman eval: note: an episode that the policy never ends is cut after max_episode_steps, which is "
      << spec.max_episode_steps << " (--max-episode-steps 0, no limit, cuts it after "
      << Evaluator::kStepLimit << ")\n";
}

void print_text(const Report& report) {
  std::cout << std::setprecision(6) << report.env_id << ", " << report.eval.episodes << " episodes, "
            << (report.epsilon == 0 ? "greedy" : "epsilon " + json_number(report.epsilon)) << ", seed "
            << report.seed << '\n'
            << "return  " << report.eval.mean << " +- " << report.eval.std << "   min " << report.eval.min
            << "   max " << report.eval.max << "   mean length " << report.eval.mean_length << '\n';
  if (report.exact)
    std::cout << "exact   " << report.exact->policy << " is the greedy policy's expected return within "
              << report.exact->horizon << " steps, " << report.exact->optimal
              << " the largest possible one\n";
}

void print_json(const Report& report) {
  Json json = {{"checkpoint", report.checkpoint},
               {"env_id", report.env_id},
               {"epsilon", report.epsilon},
               {"eval",
                {{"mean", report.eval.mean},
                 {"std", report.eval.std},
                 {"min", report.eval.min},
                 {"max", report.eval.max},
                 {"episodes", report.eval.episodes},
                 {"mean_length", report.eval.mean_length},
                 {"seed", report.seed}}}};
  if (report.exact) {
    json["policy_return"] = report.exact->policy;
    json["optimal_return"] = report.exact->optimal;
  }
  std::cout << json_line(json);
}

int evaluate(const EvalOptions& options) {
  if (options.draw && options.json) fail("--draw draws for people: it cannot be combined with --json");
  constexpr Index kMostEpisodes = 1'000'000;
  const Index episodes = parse_integer("--episodes", options.episodes, 1, kMostEpisodes);
  Report report;
  report.seed = parse_seed("--seed", options.seed);
  report.epsilon = parse_real("--epsilon", options.epsilon, 0, 1);
  report.checkpoint = options.checkpoint;

  Model model = load_model(options.checkpoint);
  const EnvOptions env_options = options.env->resolve(model.env, std::cerr, "bellman eval");
  const std::unique_ptr<Env> env = make_env(env_options);
  report.env_id = env->spec().id;
  check_memory(evaluation_memory(env->spec(), episodes), "--episodes " + std::to_string(episodes));
  TrainedNetwork network(options.checkpoint, std::move(model),
                         {options.network, env->spec().observation_shape, options.prefix});
  std::cerr << network.notes();
  network.require_fit(env->spec());
  warn(env->spec());
  const TabularEnv* grid = as_tabular(*env);
  if (options.draw && !grid) fail("--draw: ", report.env_id, " is no gridworld and has no map to draw");

  const QFunction q = [&network](std::span<float> out, std::span<const float> observations, Index n) {
    network.q_values(out, observations, n);
  };
  report.eval =
      Evaluator(env_options, episodes, report.seed, OnNan::kStop).evaluate(q, episodes, report.epsilon);
  const Policy policy = grid ? greedy_policy(*grid, q) : Policy();
  if (grid) report.exact = exact_return(*grid, policy);

  if (options.json)
    print_json(report);
  else
    print_text(report);
  if (options.draw) std::cout << draw_policy(grid->task(), policy);
  return kExitSuccess;
}

}  // namespace

RunCommand declare_eval(CLI::App& parent) {
  CLI::App& command =
      declare_command(parent, "eval", "Play whole episodes with a model and report the returns");
  const auto options = std::make_shared<EvalOptions>();
  options->env = std::make_unique<EnvArguments>(command);
  declare_text(command, "--checkpoint", options->checkpoint, "FILE",
               "the model.safetensors of a run, or one of PyTorch's", Need::kRequired);
  declare_text(command, "--prefix", options->prefix, "TEXT",
               "the prefix of the weights' names, if it is not a common one");
  declare_text(command, "--episodes", options->episodes, "N", "how many");
  declare_text(command, "--seed", options->seed, "N", "of resets, chance and random actions");
  declare_text(command, "--epsilon", options->epsilon, "REAL", "share of random actions");
  declare_text(command, "--network", options->network, "LAYERS",
               "the whole network, if the file does not describe it");
  declare_flag(command, "--json", options->json, "print one JSON object");
  declare_flag(command, "--draw", options->draw, "draw a gridworld's map with the policy's arrows");
  return [options] { return evaluate(*options); };
}

}  // namespace bellman
