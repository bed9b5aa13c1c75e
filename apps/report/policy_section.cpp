#include <algorithm>
#include <cmath>
#include <memory>

#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/report/report_page.h"
#include "apps/run/policy_value.h"
#include "apps/run/trained_network.h"
#include "apps/scene/played_episode.h"
#include "apps/scene/value_map.h"
#include "core/base/text.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

std::unique_ptr<TrainedNetwork> network_of(const RunData& run, const EnvSpec& spec) {
  auto network = std::make_unique<TrainedNetwork>(run.name + "/model.safetensors", *run.model,
                                                  NetworkHints{"", spec.observation_shape, ""});
  network->require_fit(spec);
  return network;
}

Markup gridworld(const RunData& run, const TabularEnv& grid, TrainedNetwork& network) {
  constexpr std::size_t kMostCells = 900;
  if (grid.task().cells.size() > kMostCells)
    return element("p", Markup("The map is too large to be drawn here."));
  const TabularMdp& mdp = grid.task().mdp;
  const auto actions = static_cast<std::size_t>(grid.spec().num_actions);
  const std::vector<double> q = q_table(grid, [&network](std::span<float> values, std::span<const float> seen,
                                                         Index n) { network.q_values(values, seen, n); });
  TabularValues exact;
  try {
    exact = value_iteration(mdp, run.config.gamma);
  } catch (const Error&) {  // gamma = 1, and some state has no finite value
    return heat_map(value_map(grid.task(), q, "What the network learned",
                              "The value of each cell and the best action there."));
  }
  Markup text =
      heat_map(value_map(grid.task(), q, "What the network learned: max Q(s, a)",
                         "The value of each cell, and an arrow for the action that is best there."));
  text += heat_map(value_map(grid.task(), exact.q, "What is true: max Q*(s, a)",
                             "Exact, by value iteration: what the map above should become."));
  HeatMap error = value_map(grid.task(), q, "Overestimation: max Q − max Q*",
                            "Red cells promise too much, blue ones too little. The maximum of noisy "
                            "estimates is too high; Double DQN is the cure.");
  double worst = 0, sum = 0;
  std::size_t count = 0, same = 0;
  for (std::size_t s = 0; s < grid.task().cells.size(); ++s) {
    if (!mdp.playable(static_cast<std::int32_t>(s))) continue;
    const auto first = static_cast<std::ptrdiff_t>(s * actions),
               last = first + static_cast<std::ptrdiff_t>(actions);
    const double truth = *std::max_element(exact.q.begin() + first, exact.q.begin() + last);
    const auto chosen = std::max_element(q.begin() + first, q.begin() + last) - q.begin();
    error.values[s] -= truth;
    worst = std::max(worst, std::abs(error.values[s]));
    sum += error.values[s];
    ++count;
    same += exact.q[static_cast<std::size_t>(chosen)] > truth - 1e-9 * (1 + std::abs(truth)) ? 1 : 0;
  }
  error.diverging = true;
  error.marks.clear();
  text += heat_map(error);
  text += element("p", as_text("In " + std::to_string(same) + " of " + std::to_string(count) +
                               " cells the network's action is a best one. The values are off by " +
                               formatted("%.3g", worst) + " at most, by " +
                               formatted("%+.3g", count > 0 ? sum / static_cast<double>(count) : 0.0) +
                               " on average. Cells that the policy never enters are learnt last."));
  return text;
}

/// Q(right) - Q(left) over the pole's angle and its velocity, the cart at rest in the middle.
Markup cart_pole(TrainedNetwork& network) {
  constexpr std::size_t kSize = 41;
  HeatMap map = {
      "The policy over theta and theta_dot",
      "The pole's angle from left (-0.21 rad) to right, its velocity from up (+2 rad/s) to down; the cart "
      "stands in the middle. Red: push right; blue: push left. White is where the two are worth the same.",
      kSize,
      kSize,
      {},
      {},
      {},
      true,
      false};
  for (std::size_t r = 0; r < kSize; ++r)
    for (std::size_t c = 0; c < kSize; ++c) {
      const double theta = -0.21 + 0.42 * static_cast<double>(c) / (kSize - 1),
                   velocity = 2 - 4.0 * static_cast<double>(r) / (kSize - 1);
      const float seen[] = {0, 0, static_cast<float>(theta), static_cast<float>(velocity)};
      float q[2];
      network.q_values(q, seen, 1);
      map.values.push_back(static_cast<double>(q[1] - q[0]));
      map.captions.push_back(formatted("theta %.3f, theta_dot %.2f", theta, velocity));
    }
  return heat_map(map);
}

}  // namespace

Markup policy_section(const RunData& run) {
  if (!run.model) return {};
  const std::unique_ptr<Env> env = make_env(run.config.env);
  const std::unique_ptr<TrainedNetwork> network = network_of(run, env->spec());
  Markup text;
  if (const TabularEnv* const grid = as_tabular(*env))
    text = gridworld(run, *grid, *network);
  else if (env->spec().id.starts_with("CartPole") && env->spec().frame_stack == 1)
    text = cart_pole(*network);
  return text.empty() ? text : section("policy", "What it learned", text);
}

Markup episode_section(const RunData& run) {
  constexpr std::size_t kMostSteps = 1000;
  if (!run.model) return {};
  const std::unique_ptr<Env> env = make_env(run.config.env);
  const std::unique_ptr<TrainedNetwork> network = network_of(run, env->spec());
  env->seed({run.config.seed, Purpose::kEvaluation, 0});
  std::vector<PlayedStep> steps;
  Play play(*env, *network);
  steps.push_back(play.now());
  while (!play.is_over() && steps.size() < kMostSteps) {
    play.advance();
    steps.push_back(play.now());
  }
  // What the network promised at each step, and the discounted return that came.
  Series promised = {"Q(s, a), what the network promises", {}},
         came = {"the discounted return that came", {}};
  double discounted = play.is_over() ? 0 : std::nan("");
  for (std::size_t t = steps.size() - 1; t-- > 0;) {
    discounted = steps[t + 1].reward + run.config.gamma * discounted;
    const double q = static_cast<double>(steps[t].q[static_cast<std::size_t>(*steps[t].action)]);
    const auto x = static_cast<double>(t);
    promised.points.push_back({x, q, q, q});
    came.points.push_back({x, discounted, discounted, discounted});
  }
  std::reverse(promised.points.begin(), promised.points.end());
  std::reverse(came.points.begin(), came.points.end());
  Markup text = episode_player(steps, env->spec(), "episode");
  text += line_chart({"Promise and outcome along this episode",
                      "A line of promises above the outcomes is overestimation. Towards a time limit "
                      "outcomes fall to 0, and the network, which does not see the clock, cannot know it. "
                      "Rewards here are raw; with reward_scale or reward_clip the two differ by that.",
                      "step of the episode", "value"},
                     {promised, came});
  return section("episode", "An episode of the trained network", text);
}

}  // namespace bellman
