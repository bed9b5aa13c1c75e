// Chapter 3: an agent with a table learns Q* from its own steps, with learning rates that settle and others.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/course/q_learner.h"
#include "apps/page/chart.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "apps/scene/value_map.h"
#include "core/base/text.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

/// A lake, its exact values, and comparisons with them.
struct Pond {
  GridTask task;
  TabularValues best;

  /// Root of the mean squared difference over all playable states and actions.
  double distance(const std::vector<double>& a, const std::vector<double>& b) const {
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!task.mdp.playable(static_cast<std::int32_t>(i / actions()))) continue;
      sum += (a[i] - b[i]) * (a[i] - b[i]);
      ++count;
    }
    return std::sqrt(sum / count);
  }
  double error(const std::vector<double>& q) const { return distance(q, best.q); }
  /// The share of states whose first best action by q is a best one.
  double best_arrows(const std::vector<double>& q) const {
    const Policy policy = greedy_policy(task.mdp, q);
    double right = 0, count = 0;
    for (std::size_t s = 0; s < policy.size(); ++s) {
      if (!task.mdp.playable(static_cast<std::int32_t>(s))) continue;
      right += best.q[s * actions() + static_cast<std::size_t>(policy[s])] >= best.v[s] - 1e-9;
      ++count;
    }
    return right / count;
  }
  double value_of_greedy(const std::vector<double>& q, double gamma) const {
    return start_value(task.mdp, evaluate_policy(task.mdp, greedy_policy(task.mdp, q), gamma).v);
  }
  std::size_t actions() const { return static_cast<std::size_t>(task.mdp.num_actions()); }
};

/// Numbers from `first` on, each a little larger than the one before; `last` ends them.
std::vector<Index> growing(Index first, Index last, double factor) {
  std::vector<Index> numbers;
  for (Index n = first; n < last; n = std::max(n + 1, static_cast<Index>(factor * static_cast<double>(n))))
    numbers.push_back(n);
  numbers.push_back(last);
  return numbers;
}

/// Runs the learner to each of the steps and calls visit(step).
template <class Visit>
void learn_to(QLearner& learner, const std::vector<Index>& steps, const std::atomic<bool>& stop,
              const Visit& visit) {
  Index done = 0;
  for (const Index until : steps) {
    for (; done < until && !stop; ++done) learner.step();
    if (stop) return;
    visit(until);
  }
}

struct NamedRate {
  const char *name, *finding, *text;
  LearningRate rate;
};
constexpr NamedRate kRates[] = {
    {"1", "rate_1", "error at the end with the rate 1, mean over ten seeds", {1, 0}},
    {"0.1", "rate_tenth", "with the rate 0.1", {0.1, 0}},
    {"1 / n^0.7", "rate_n_07", "with 1 / n^0.7, n counting the updates of the pair", {1, 0.7}},
    {"1 / n", "rate_n", "with 1 / n", {1, 1}},
    {"1 / n^2", "rate_n_2", "with 1 / n^2", {1, 2}},
};
constexpr std::uint64_t kSeedsOfARate = 10;

/// Adds one seed's number to a point that holds the mean of `seeds` of them, the least and the most.
void add_seed(ChartPoint& point, double number, std::uint64_t seeds, bool first) {
  if (first) point.low = point.high = number;
  point.y += number / static_cast<double>(seeds);
  point.low = std::min(point.low, number), point.high = std::max(point.high, number);
}

/// The mean error over seeds at each of the steps, with the least and the most.
Series error_of_rate(const Pond& pond, const NamedRate& named, QLearning settings,
                     const std::vector<Index>& steps, const std::atomic<bool>& stop) {
  settings.rate = named.rate;
  Series series = {named.name, {}};
  for (std::uint64_t i = 0; i < kSeedsOfARate; ++i) {
    QLearning seeded = settings;
    seeded.seed = derived_seed(settings.seed, i);
    QLearner learner(pond.task.mdp, seeded);
    std::size_t at = 0;
    learn_to(learner, steps, stop, [&](Index step) {
      if (i == 0) series.points.push_back({static_cast<double>(step)});
      add_seed(series.points[at++], pond.error(learner.q()), kSeedsOfARate, i == 0);
    });
  }
  return series;
}

/// One Q-value while it is learnt: of the step down beside a hole, to the cell left of the goal.
Markup trace_chart(const Pond& pond, QLearning settings, Index steps, const std::atomic<bool>& stop) {
  constexpr Index kPoints = 250;
  const std::size_t pair = pond.actions() * static_cast<std::size_t>(pond.task.state(2, 2)) + 2;
  std::vector<Index> at;
  for (Index i = 1; i <= kPoints; ++i) at.push_back(std::max<Index>(1, steps * i / kPoints));
  std::vector<Series> lines;
  for (const NamedRate& named : {kRates[0], kRates[1], kRates[2]}) {
    settings.rate = named.rate;
    QLearner learner(pond.task.mdp, settings);
    lines.push_back({named.name, {}});
    learn_to(learner, at, stop, [&](Index step) {
      const double q = learner.q()[pair];
      lines.back().points.push_back({static_cast<double>(step), q, q, q});
    });
  }
  const double exact = pond.best.q[pair], end = static_cast<double>(steps);
  lines.push_back({"Q*", {{0, exact, exact, exact}, {end, exact, exact, exact}}});
  return line_chart(
      {"One Q-value while it is learnt: down, with a hole beside",
       "With the rate 1 the value is the last thing that happened. With 0.1 it is a mean of about the "
       "last twenty. With a falling rate it settles.",
       "steps", "Q(cell above and left of G, down)"},
      lines);
}

/// What epsilon costs while learning, and what it buys.
Markup epsilon_chart(const Pond& pond, QLearning settings, Index steps, const std::atomic<bool>& stop) {
  constexpr std::uint64_t kSeeds = 5;
  const std::uint64_t first_seed = settings.seed;
  Series learning = {"return while learning", {}}, greedy = {"value of the greedy policy at the end", {}};
  for (const double epsilon : {0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0}) {
    ChartPoint earned = {epsilon}, value = {epsilon};
    settings.epsilon = epsilon;
    for (std::uint64_t i = 0; i < kSeeds; ++i) {
      settings.seed = derived_seed(first_seed, i);
      QLearner learner(pond.task.mdp, settings);
      learn_to(learner, {steps}, stop, [&](Index) {
        add_seed(earned, learner.mean_return(), kSeeds, i == 0);
        add_seed(value, pond.value_of_greedy(learner.q(), settings.gamma), kSeeds, i == 0);
      });
    }
    if (stop) break;
    learning.points.push_back(earned);
    greedy.points.push_back(value);
  }
  return line_chart(
      {"What epsilon costs, and what it buys",
       "Random steps cost return while the agent learns. With too few of them it misses what it never "
       "tried. Means over five seeds; the bands reach from the least to the most.",
       "epsilon", "discounted return from the start"},
      {learning, greedy}, Scale::kLog10);
}

Experiment run_q_learning(const CourseSettings& settings, const std::atomic<bool>& stop) {
  const GridTask task = pond_task(settings["slip"]);
  const Pond pond = {task, value_iteration(task.mdp, settings["gamma"], &stop)};
  const QLearning learning = {settings["gamma"], settings["epsilon"], {settings["alpha"], settings["decay"]},
                              settings["start"], settings.seed(),     task.max_episode_steps};
  const Index steps = settings.count("steps");

  QLearner learner(task.mdp, learning);
  std::vector<ValueMoment> moments = {{"before the first step", learner.q()}};
  std::vector<double> before_the_last_tenth = learner.q();
  std::vector<Index> times = growing(1, steps, 1.12);
  times.insert(std::lower_bound(times.begin(), times.end(), steps - steps / 10), steps - steps / 10);
  learn_to(learner, times, stop, [&](Index step) {
    if (step == steps - steps / 10) before_the_last_tenth = learner.q();
    moments.push_back({formatted("after %lld steps: error %.3g, %.0f %% of the arrows are best ones",
                                 static_cast<long long>(step), pond.error(learner.q()),
                                 100 * pond.best_arrows(learner.q())),
                       learner.q()});
  });
  moments.push_back({"Q*, exact", pond.best.q});

  Experiment experiment;
  experiment.add("first_error", pond.error(std::vector<double>(pond.best.q.size(), learning.start)),
                 "root mean square of Q - Q* over all states and actions, before the first step");
  experiment.add("error", pond.error(learner.q()), "after the last step");
  experiment.add("still_moving", pond.distance(learner.q(), before_the_last_tenth),
                 "how far Q moved in the last tenth of the steps, likewise");
  experiment.add("return", learner.mean_return(), "mean discounted return of the episodes while learning");
  experiment.add("greedy_value", pond.value_of_greedy(learner.q(), learning.gamma),
                 "expected return of the table's greedy policy at the end");
  experiment.add("best_value", start_value(task.mdp, pond.best.v),
                 "expected return of the best policy, V*(start)");
  std::vector<Series> errors;
  for (const NamedRate& named : kRates) {
    errors.push_back(error_of_rate(pond, named, learning, growing(100, steps, 1.1), stop));
    if (!errors.back().points.empty())
      experiment.add(named.finding, errors.back().points.back().y, named.text);
  }
  experiment.figures =
      line_chart(
          {"The error while learning, with five learning rates",
           "Means over ten seeds; the bands reach from the least to the most. n counts the updates of a "
           "state and action.",
           "steps", "root mean square of Q − Q*"},
          errors, Scale::kLog10, Scale::kLog10) +
      value_player("learning-player", task, moments, "What the table holds",
                   "H is a hole (-1), G the goal (+1), a is worth 0.3. The last moment is Q* itself, for "
                   "comparison.") +
      formula(mrow(mi("Q") + parenthesis("(") + mi("s") + mo(",") + mi("a") + parenthesis(")")) + mo("←") +
              mrow(mi("Q") + parenthesis("(") + mi("s") + mo(",") + mi("a") + parenthesis(")")) + mo("+") +
              mi("α") + parenthesis("(") + mi("r") + mo("+") + mi("γ") +
              element("munder", mi("max") + mrow(mi("a′"))) + mi("Q") + parenthesis("(") + mi("s′") +
              mo(",") + mi("a′") + parenthesis(")") + mo("−") + mi("Q") + parenthesis("(") + mi("s") +
              mo(",") + mi("a") + parenthesis(")") + parenthesis(")")) +
      trace_chart(pond, learning, std::min<Index>(steps, 20'000), stop) +
      epsilon_chart(pond, learning, steps, stop);
  return experiment;
}

constexpr CourseSetting kQLearningSettings[] = {
    {"slip", 0.2, 0, 1, "probability of stepping to a side"},
    {"gamma", 0.95, 0, 0.99, "what a reward one step later is worth"},
    {"epsilon", 0.2, 0, 1, "probability of a random action"},
    {"alpha", 1, 0, 1, "the first learning rate of each state and action"},
    {"decay", 0.7, 0, 3, "the learning rate at the n-th update is alpha / n^decay"},
    {"start", 0, -10, 10, "what every Q-value is before the first step"},
    {"steps", 200'000, 10, 1'000'000, "steps of the agent", true},
    {"seed", 1, 0, 1e9, "of the agent and of the ground", true},
};

}  // namespace

const Chapter& q_learning_chapter() {
  static const Chapter chapter = {
      3, "Tabular Q-learning",
      "An agent learns on slippery ground with the learning rates 1, 0.1, 1/n and 1/n², "
      "where n counts how often it has updated that number. With which of them does its "
      "table end at Q*?",
      kQLearningSettings, run_q_learning};
  return chapter;
}

}  // namespace bellman
