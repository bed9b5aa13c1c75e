// Chapter 3: an agent with a table learns Q* from its own steps, with learning rates that settle and others.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/course/exact_values.h"
#include "apps/course/q_learner.h"
#include "apps/page/chart.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "apps/scene/value_map.h"
#include "core/base/text.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

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
    {"1", "rate_1", "error at the end with the rate 1, mean over five seeds", {1, 0}},
    {"0.1", "rate_tenth", "with the rate 0.1", {0.1, 0}},
    {"1 / n^0.7", "rate_n_07", "with 1 / n^0.7, n counting the updates of the pair", {1, 0.7}},
    {"1 / n", "rate_n", "with 1 / n", {1, 1}},
    {"1 / n^2", "rate_n_2", "with 1 / n^2", {1, 2}},
};
constexpr std::uint64_t kSeedsOfARate = 5;

/// Adds one seed's number to a point that holds the mean of `seeds` of them, the least and the most.
void add_seed(ChartPoint& point, double number, std::uint64_t seeds, bool first) {
  if (first) point.low = point.high = number;
  point.y += number / static_cast<double>(seeds);
  point.low = std::min(point.low, number), point.high = std::max(point.high, number);
}

/// The mean error over seeds at each of the steps, with the least and the most.
Series error_of_rate(const ExactValues& exact, const NamedRate& named, QLearning settings,
                     const std::vector<Index>& steps, const std::atomic<bool>& stop) {
  settings.rate = named.rate;
  Series series = {named.name, {}};
  for (std::uint64_t i = 0; i < kSeedsOfARate; ++i) {
    QLearning seeded = settings;
    seeded.seed = derived_seed(settings.seed, i);
    QLearner learner(exact.task().mdp, seeded);
    std::size_t at = 0;
    learn_to(learner, steps, stop, [&](Index step) {
      if (i == 0) series.points.push_back({static_cast<double>(step)});
      add_seed(series.points[at++], exact.error(learner.q()), kSeedsOfARate, i == 0);
    });
  }
  return series;
}

/// One Q-value while it is learnt: of the step down beside a hole, to the cell left of the goal.
Markup trace_chart(const ExactValues& exact, QLearning settings, Index steps, const std::atomic<bool>& stop) {
  constexpr Index kPoints = 250;
  constexpr std::size_t kActions = 4, kDown = 2;
  const std::size_t pair = kActions * static_cast<std::size_t>(exact.task().state(2, 2)) + kDown;
  std::vector<Index> at;
  for (Index i = 1; i <= kPoints; ++i) at.push_back(std::max<Index>(1, steps * i / kPoints));
  std::vector<Series> lines;
  for (const NamedRate& named : {kRates[0], kRates[1], kRates[2]}) {
    settings.rate = named.rate;
    QLearner learner(exact.task().mdp, settings);
    lines.push_back({named.name, {}});
    learn_to(learner, at, stop, [&](Index step) {
      const double q = learner.q()[pair];
      lines.back().points.push_back({static_cast<double>(step), q, q, q});
    });
  }
  const double best = exact.q()[pair], end = static_cast<double>(steps);
  lines.push_back({"Q*", {{0, best, best, best}, {end, best, best, best}}});
  return line_chart(
      {"One Q-value while it is learnt: down, with a hole beside",
       "With the rate 1 the value is the last thing that happened. With 0.1 it is a mean of about the "
       "last twenty. With a falling rate it settles.",
       "steps", "Q(cell above and left of G, down)"},
      lines);
}

/// What epsilon costs while learning, and what it buys.
Markup epsilon_chart(const ExactValues& exact, QLearning settings, Index steps,
                     const std::atomic<bool>& stop) {
  constexpr std::uint64_t kSeeds = 3;
  const std::uint64_t first_seed = settings.seed;
  Series learning = {"return while learning", {}}, greedy = {"value of the greedy policy at the end", {}};
  for (const double epsilon : {0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0}) {
    ChartPoint earned = {epsilon}, value = {epsilon};
    settings.epsilon = epsilon;
    for (std::uint64_t i = 0; i < kSeeds; ++i) {
      settings.seed = derived_seed(first_seed, i);
      QLearner learner(exact.task().mdp, settings);
      learn_to(learner, {steps}, stop, [&](Index) {
        add_seed(earned, learner.mean_return(), kSeeds, i == 0);
        add_seed(value, exact.greedy_value(learner.q()), kSeeds, i == 0);
      });
    }
    if (stop) break;
    learning.points.push_back(earned);
    greedy.points.push_back(value);
  }
  return line_chart(
      {"What epsilon costs, and what it buys",
       "Random steps cost return while the agent learns. With too few of them it misses what it never "
       "tried. Means over three seeds; the bands reach from the least to the most.",
       "epsilon", "discounted return from the start"},
      {learning, greedy}, Scale::kLog10);
}

/// Means over the seeds of runs with the reader's own settings.
struct OwnRuns {
  double error = 0, moved = 0, earned = 0, greedy_value = 0;
  std::vector<ValueMoment> moments;  // of the first
};

OwnRuns own_runs(const ExactValues& exact, const QLearning& settings, Index steps,
                 const std::atomic<bool>& stop) {
  OwnRuns runs;
  const Index last_tenth = steps - steps / 10;
  std::vector<Index> times = growing(1, steps, 1.12);
  times.insert(std::lower_bound(times.begin(), times.end(), last_tenth), last_tenth);
  for (std::uint64_t i = 0; i < kSeedsOfARate; ++i) {
    QLearning seeded = settings;
    seeded.seed = derived_seed(settings.seed, i);
    QLearner learner(exact.task().mdp, seeded);
    std::vector<double> before = learner.q();
    if (i == 0) runs.moments.push_back({"before the first step", before});
    learn_to(learner, times, stop, [&](Index step) {
      if (step == last_tenth) before = learner.q();
      if (i > 0) return;
      runs.moments.push_back({formatted("after %lld steps: error %.3g, %.0f %% of the arrows are best ones",
                                        static_cast<long long>(step), exact.error(learner.q()),
                                        100 * exact.best_arrows(learner.q(), exact.states())),
                              learner.q()});
    });
    runs.error += exact.error(learner.q()) / kSeedsOfARate;
    runs.moved += exact.distance(learner.q(), before, exact.states()) / kSeedsOfARate;
    runs.earned += learner.mean_return() / kSeedsOfARate;
    runs.greedy_value += exact.greedy_value(learner.q()) / kSeedsOfARate;
  }
  runs.moments.push_back({"Q*, exact", exact.q()});
  return runs;
}

Experiment run_q_learning(const CourseSettings& settings, const std::atomic<bool>& stop) {
  const GridTask task = pond_task(settings["slip"]);
  const ExactValues exact(task, settings["gamma"], stop);
  const QLearning learning = {settings["gamma"], settings["epsilon"], {settings["alpha"], settings["decay"]},
                              settings["start"], settings.seed(),     task.max_episode_steps};
  const Index steps = settings.count("steps");
  const OwnRuns own = own_runs(exact, learning, steps, stop);

  Experiment experiment;
  experiment.add("first_error", exact.error(std::vector<double>(exact.q().size(), learning.start)),
                 "root mean square of Q - Q* over all states and actions, before the first step");
  experiment.add("error", own.error, "after the last step, mean over five seeds");
  experiment.add("still_moving", own.moved, "how far Q moved in the last tenth of the steps, likewise");
  experiment.add("return", own.earned, "mean discounted return of the episodes while learning");
  experiment.add("greedy_value", own.greedy_value,
                 "expected return of the greedy policy of the table at the end");
  experiment.add("best_value", start_value(task.mdp, exact.v()),
                 "expected return of the best policy, V*(start)");
  std::vector<Series> errors;
  for (const NamedRate& named : kRates) {
    errors.push_back(error_of_rate(exact, named, learning, growing(100, steps, 1.1), stop));
    if (!errors.back().points.empty())
      experiment.add(named.finding, errors.back().points.back().y, named.text);
  }
  experiment.figures =
      line_chart(
          {"The error while learning, with five learning rates",
           "Means over five seeds; the bands reach from the least to the most. n counts the updates of a "
           "state and action.",
           "steps", "root mean square of Q − Q*"},
          errors, Scale::kLog10, Scale::kLog10) +
      value_player("learning-player", task, own.moments, "What the table holds",
                   "H is a hole (-1), G the goal (+1), a is worth 0.3. The last moment is Q* itself, for "
                   "comparison.") +
      formula(mrow(mi("Q") + parenthesis("(") + mi("s") + mo(",") + mi("a") + parenthesis(")")) + mo("←") +
              mrow(mi("Q") + parenthesis("(") + mi("s") + mo(",") + mi("a") + parenthesis(")")) + mo("+") +
              mi("α") + parenthesis("(") + mi("r") + mo("+") + mi("γ") +
              element("munder", mi("max") + mrow(mi("a′"))) + mi("Q") + parenthesis("(") + mi("s′") +
              mo(",") + mi("a′") + parenthesis(")") + mo("−") + mi("Q") + parenthesis("(") + mi("s") +
              mo(",") + mi("a") + parenthesis(")") + parenthesis(")")) +
      trace_chart(exact, learning, std::min<Index>(steps, 20'000), stop) +
      epsilon_chart(exact, learning, std::min<Index>(steps, 100'000), stop);
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
