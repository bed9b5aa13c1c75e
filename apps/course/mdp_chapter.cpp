// Chapter 1: a Markov decision process, a policy, and the return of a walk.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/page/chart.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "apps/scene/value_map.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

/// A step of the walk: r_t and where it led.
struct WalkedStep {
  std::int32_t state, action;
  double reward;
};

/// An episode of the policy; at most 100 steps.
std::vector<WalkedStep> walk(const TabularMdp& mdp, const Policy& policy, std::uint64_t seed) {
  constexpr std::size_t kMostSteps = 100;
  RandomSequence random({seed, Purpose::kEnvironment, 0});
  std::vector<WalkedStep> steps;
  std::int32_t s = mdp.starts().front().state;
  while (steps.size() < kMostSteps) {
    const std::int32_t a = policy[static_cast<std::size_t>(s)];
    const Outcome& outcome = tabular_step(mdp.table(), s, a, random.uniform(0, 1));
    steps.push_back({s, a, outcome.reward});
    if (outcome.terminated) break;
    s = outcome.next;
  }
  return steps;
}

/// The way that the policy takes where nobody slips, as arrows.
std::string route(const GridTask& task, const Policy& policy) {
  std::string arrows;
  std::int32_t s = task.mdp.starts().front().state;
  for (int steps = 0; task.mdp.playable(s) && steps < 50; ++steps) {
    const Direction direction =
        task.directions[static_cast<std::size_t>(policy[static_cast<std::size_t>(s)])];
    arrows += arrow(direction);
    s = task.neighbour(s, direction);
  }
  return arrows;
}

/// The return of the walk from its last step backwards, a row a step.
Markup unrolled(const GridTask& task, const std::vector<WalkedStep>& steps, double gamma,
                const std::vector<double>& returns) {
  std::vector<std::vector<std::string>> rows = {{"step t", "cell", "action", "reward", "return G_t"}};
  for (std::size_t t = 0; t < steps.size(); ++t) {
    const std::string rest = t + 1 < steps.size() ? formatted("%.4g + %.4g × %.4g = %.4g", steps[t].reward,
                                                              gamma, returns[t + 1], returns[t])
                                                  : formatted("%.4g", returns[t]);
    rows.push_back({std::to_string(t), std::to_string(steps[t].state),
                    std::string(direction_name(task.directions[static_cast<std::size_t>(steps[t].action)])),
                    formatted("%.4g", steps[t].reward), rest});
  }
  return element("h3", Markup("The return, unrolled")) +
         formula(msub(mi("G"), mi("t")) + mo("=") + msub(mi("r"), mrow(mi("t") + mo("+") + mn(1))) + mo("+") +
                 mi("γ") + msub(mi("G"), mrow(mi("t") + mo("+") + mn(1)))) +
         text_table(rows);
}

/// What both ways are worth from the start, for each gamma from 0.5 to 0.99. The best policy may mix them: pushed up from
/// the edge, it stays up.
struct WaysByGamma {
  Series edge = {"along the edge", {}}, detour = {"one row further up", {}};
  double cross = std::nan(""),
         turn = std::nan("");  // the smallest gamma at which the detour pays, and is made
};

WaysByGamma ways_by_gamma(const GridTask& task, const std::atomic<bool>& stop) {
  WaysByGamma ways;
  for (int i = 50; i <= 99 && !stop; ++i) {
    const double g = i / 100.0;
    const double short_way = start_value(task.mdp, evaluate_policy(task.mdp, cliff_policy(task, 1), g).v),
                 long_way = start_value(task.mdp, evaluate_policy(task.mdp, cliff_policy(task, 0), g).v);
    ways.edge.points.push_back({g, short_way, short_way, short_way});
    ways.detour.points.push_back({g, long_way, long_way, long_way});
    if (std::isnan(ways.cross) && long_way > short_way) ways.cross = g;
    const std::string best = route(task, greedy_policy(task.mdp, value_iteration(task.mdp, g).q));
    if (std::isnan(ways.turn) && best.starts_with("↑↑→")) ways.turn = g;
  }
  return ways;
}

/// The lines from gamma = 0.8 on, or from a tenth before they cross.
Markup chart_of(const WaysByGamma& ways) {
  const double first = std::isnan(ways.cross) ? 0.8 : std::min(0.8, ways.cross - 0.1);
  std::vector<Series> lines = {ways.edge, ways.detour};
  for (Series& line : lines)
    std::erase_if(line.points, [&](const ChartPoint& p) { return p.x < first - 1e-9; });
  ChartWords words = {
      "What each way is worth from the start",
      "Two fixed ways. The best policy may mix them, so it changes a little later than the lines "
      "cross.",
      "gamma", "V(start)"};
  words.x_has_zero = false;
  if (!std::isnan(ways.cross))
    words.marks.push_back({ways.cross, formatted("%.2f: the lines cross", ways.cross)});
  if (!std::isnan(ways.turn))
    words.marks.push_back({ways.turn, formatted("%.2f: the best policy turns", ways.turn)});
  return line_chart(words, lines);
}

Experiment run_mdp(const CourseSettings& settings, const std::atomic<bool>& stop) {
  const double gamma = settings["gamma"];
  const GridTask task = cliff_task(settings["slip"]);
  const TabularValues best = value_iteration(task.mdp, gamma, &stop);
  const Policy policy = greedy_policy(task.mdp, best.q);
  const std::vector<WalkedStep> steps = walk(task.mdp, policy, settings.seed());
  std::vector<double> returns(steps.size());
  for (std::size_t t = steps.size(); t-- > 0;)
    returns[t] = steps[t].reward + (t + 1 < steps.size() ? gamma * returns[t + 1] : 0);

  Experiment experiment;
  const std::string way = route(task, policy);
  experiment.add("route", way, "the best policy's way from the start, where nobody slips");
  experiment.add("start_value", start_value(task.mdp, best.v),
                 "expected return of the best policy, V*(start)");
  experiment.add("walk_steps", static_cast<double>(steps.size()), "steps of the walk that was drawn");
  experiment.add("walk_return", returns.front(), "its discounted return, G_0");

  const WaysByGamma ways = ways_by_gamma(task, stop);
  experiment.add("flips_at", ways.cross,
                 "the smallest gamma, in hundredths, at which the detour is worth more");
  experiment.add("turns_at", ways.turn,
                 "the smallest at which the best policy makes the detour from the start");
  HeatMap map =
      value_map(task, best.q, "The value of each cell, and the best action",
                "S is the start. H is the cliff: after a fall there is nothing more to get. The goal "
                "G gives +1. The small number is the cell's name in the table below.");
  for (std::size_t s = 0; s < task.cells.size(); ++s) map.corners.push_back(std::to_string(s));
  experiment.figures = heat_map(map) + unrolled(task, steps, gamma, returns) + chart_of(ways);
  return experiment;
}

constexpr CourseSetting kMdpSettings[] = {
    {"gamma", 0.95, 0, 0.99, "what a reward one step later is worth"},
    {"slip", 0.1, 0, 1, "probability of stepping to a side"},
    {"seed", 1, 0, 1e9, "of the walk that is drawn", true},
};

}  // namespace

const Chapter& mdp_chapter() {
  static const Chapter chapter = {1, "Decisions, returns, policies",
                                  "The way along the cliff is two steps shorter; the other way is safe. "
                                  "Which one does the best policy take with "
                                  "gamma = 0.95, and which with gamma = 0.8?",
                                  kMdpSettings, run_mdp};
  return chapter;
}

}  // namespace bellman
