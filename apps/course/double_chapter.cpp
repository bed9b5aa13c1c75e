// Chapter 10: the maximum of noisy estimates is too large, and two estimates help.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/course/best_of_estimates.h"
#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/course/double_q.h"
#include "apps/page/chart.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "core/reference/reference_backend.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

// ---- the maximum of noisy estimates

/// Estimates of the values of one state's actions, by the network that chooses and by the one that is asked.
struct EstimateDraws {
  std::vector<double> chooser, asked;  // (N,A)
};

/// True values from 0 to `spread`, evenly; the largest comes last.
std::vector<double> true_values(Index actions, double spread) {
  std::vector<double> truth;
  for (Index a = 0; a < actions; ++a)
    truth.push_back(actions > 1 ? spread * static_cast<double>(a) / static_cast<double>(actions - 1) : 0);
  return truth;
}

EstimateDraws draw_estimates(std::span<const double> truth, double noise, double correlation, Index draws,
                             std::uint64_t seed) {
  EstimateDraws result;
  RandomSequence random({seed, Purpose::kEnvironment, 0});
  for (Index n = 0; n < draws; ++n)
    for (const double value : truth) {
      const double chooser = random.normal(), other = random.normal();
      result.chooser.push_back(value + noise * chooser);
      result.asked.push_back(
          value + noise * (correlation * chooser + std::sqrt(1 - correlation * correlation) * other));
    }
  return result;
}

/// The engine's own targets y of transitions without reward: max Q(s', a), or Double DQN's where one network chooses and
/// the other is asked.
std::vector<double> targets(const EstimateDraws& draws, std::size_t actions, bool double_dqn) {
  const std::size_t n = draws.asked.size() / actions;
  const Index rows = static_cast<Index>(n), columns = static_cast<Index>(actions);
  const std::vector<double> reward(n, 0), discount(n, 1), terminated(n, 0);
  std::vector<double> y(n);
  TdTargetInputs<double> in;
  in.q_target = {draws.asked.data(), {rows, columns}};
  if (double_dqn) in.q_online = {draws.chooser.data(), {rows, columns}};
  in.reward = {reward.data(), {rows}};
  in.discount = {discount.data(), {rows}};
  in.terminated = {terminated.data(), {rows}};
  ReferenceBackend<double>().td_target({y.data(), {rows}}, in);
  return y;
}

/// The first draws as bars, one frame a draw, and the mean of the maxima so far.
Markup bars_player(const EstimateDraws& draws, std::span<const double> truth, double noise) {
  constexpr std::size_t kFrames = 40;
  constexpr double kWidth = 560, kHeight = 220;
  const std::size_t actions = truth.size(), frames = std::min(kFrames, draws.asked.size() / actions);
  const double top = truth.back() + 4 * noise, scale = kHeight / (top + 4 * noise);
  const double bar = kWidth / static_cast<double>(actions);
  const auto height_of = [&](double value) { return scale * (top - value); };
  Markup shapes;
  for (std::size_t a = 0; a < actions; ++a) {
    shapes += leaf("rect", {{"class", "bar s0 estimate-" + std::to_string(a)},
                            {"x", formatted("%.1f", bar * (static_cast<double>(a) + 0.15))},
                            {"width", formatted("%.1f", bar * 0.7)}});
    shapes += leaf("line", {{"class", "outline"},
                            {"x1", formatted("%.1f", bar * static_cast<double>(a))},
                            {"x2", formatted("%.1f", bar * static_cast<double>(a + 1))},
                            {"y1", formatted("%.1f", height_of(truth[a]))},
                            {"y2", formatted("%.1f", height_of(truth[a]))}});
  }
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  double maxima = 0, others = 0;
  for (std::size_t n = 0; n < frames; ++n) {
    std::size_t best = 0;
    const double* const row = draws.chooser.data() + n * actions;
    for (std::size_t a = 0; a < actions; ++a)
      if (row[a] > row[best]) best = a;
    nlohmann::ordered_json set;
    for (std::size_t a = 0; a < actions; ++a) {
      const double from = height_of(std::max(row[a], truth[a])), to = height_of(std::min(row[a], truth[a]));
      set[".estimate-" + std::to_string(a)] = {
          {"class", (a == best ? "bar s1 estimate-" : "bar s0 estimate-") + std::to_string(a)},
          {"y", formatted("%.1f", from)},
          {"height", formatted("%.1f", to - from)}};
    }
    maxima += row[best], others += draws.asked[n * actions + best];
    const double count = static_cast<double>(n + 1);
    all.push_back(
        {{"set", std::move(set)},
         {"caption",
          formatted("draw %zu: the largest is %.2f, the other estimate of that action %.2f. Means so far: "
                    "%.2f and %.2f",
                    n + 1, row[best], draws.asked[n * actions + best], maxima / count, others / count)}});
  }
  return element(
             "figure", {{"data-player", "bars"}, {"data-rate", "5"}},
             element("h3", Markup("Noisy estimates of the actions' values")) +
                 element("svg",
                         {{"class", "scene"},
                          {"viewBox", formatted("0 0 %g %g", kWidth, kHeight)},
                          {"role", "img"},
                          {"aria-label", "estimates of the actions' values as bars"}},
                         shapes) +
                 element(
                     "figcaption",
                     Markup("Each bar reaches from an action's true value (black) to an estimate of it. The "
                            "largest estimate, in orange, is nearly always above the largest true value."))) +
         json_data("bars", all.dump()) + "\n";
}

// ---- tabular learning

std::vector<ChartPoint> curve(const std::vector<TabularRun>& runs) {
  std::vector<ChartPoint> points;
  for (std::size_t i = 0; i < runs.front().start_values.size(); ++i) {
    std::vector<double> values;
    for (const TabularRun& run : runs) values.push_back(run.start_values[i]);
    const Interval interval = bootstrap_interval(values, mean, 400, 1);
    points.push_back({runs.front().steps[i], mean(values), interval.low, interval.high});
  }
  return points;
}

/// max_a Q(s, a) - V*(s) in each state; NaN where no action is taken.
std::vector<double> errors_of(const TabularRun& run, const TabularMdp& mdp, const TabularValues& exact) {
  const auto actions = static_cast<std::ptrdiff_t>(mdp.num_actions());
  std::vector<double> errors;
  for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
    const auto row = run.q.begin() + s * actions;
    errors.push_back(mdp.playable(s)
                         ? *std::max_element(row, row + actions) - exact.v[static_cast<std::size_t>(s)]
                         : std::nan(""));
  }
  return errors;
}

/// Their mean over the runs, a number for each state.
std::vector<double> mean_errors(const std::vector<TabularRun>& runs, const TabularMdp& mdp,
                                const TabularValues& exact) {
  std::vector<double> errors(exact.v.size());
  for (const TabularRun& run : runs) {
    const std::vector<double> of_run = errors_of(run, mdp, exact);
    for (std::size_t s = 0; s < errors.size(); ++s) errors[s] += of_run[s] / static_cast<double>(runs.size());
  }
  return errors;
}

Markup error_map(const GridTask& task, const std::vector<double>& errors, std::string title) {
  HeatMap map;
  map.title = std::move(title);
  map.how_to_read = "The mean over all seeds of max Q(s, a) - V*(s). Red is too large, blue too small.";
  map.rows = static_cast<std::size_t>(task.rows);
  map.columns = static_cast<std::size_t>(task.cols);
  for (const double error : errors) map.values.push_back(std::round(error * 100) / 100);
  for (std::size_t s = 0; s < errors.size(); ++s) {
    map.captions.push_back("cell " + std::to_string(s));
    map.marks.emplace_back(1, task.symbols[s]);
  }
  map.diverging = map.with_numbers = true;
  return heat_map(map);
}

/// A number's mean over the runs, and a 95 % interval of that mean.
template <class OfRun>
std::vector<double> with_interval(const std::vector<TabularRun>& runs, const OfRun& of_run) {
  std::vector<double> values;
  for (const TabularRun& run : runs) values.push_back(of_run(run));
  const Interval interval = bootstrap_interval(values, mean, 2000, 1);
  return {mean(values), interval.low, interval.high};
}

void add_findings(Experiment& experiment, const std::string& name, const std::vector<TabularRun>& runs,
                  const TabularMdp& mdp, const TabularValues& exact, double gamma) {
  const auto mean_error = [&](const TabularRun& run) {
    std::vector<double> errors = errors_of(run, mdp, exact);
    std::erase_if(errors, [](double error) { return std::isnan(error); });
    return mean(errors);
  };
  const auto policy_value = [&](const TabularRun& run) {
    return start_value(mdp, evaluate_policy(mdp, greedy_policy(mdp, run.q), gamma).v);
  };
  experiment.add(name + "_error", with_interval(runs, mean_error),
                 "max Q - V*, mean over states and seeds, and a 95 % interval of the mean");
  experiment.add(name + "_policy", with_interval(runs, policy_value),
                 "what the greedy policy at the end is worth from the start, likewise");
}

// ---- the experiment

void run_bars(Experiment& experiment, const CourseSettings& settings) {
  constexpr Index kDraws = 20'000;
  const double noise = settings["noise"], correlation = settings["correlation"];
  const std::vector<double> truth = true_values(settings.count("actions"), settings["spread"]);
  const BestOfEstimates exact = best_of_estimates(truth, noise);
  const auto add = [&](const std::string& name, double together, bool double_dqn,
                       const std::string& meaning) {
    const EstimateDraws draws = draw_estimates(truth, noise, together, kDraws, settings.seed());
    const double expected = exact.chosen + together * (exact.largest - exact.chosen);
    const double drawn = mean(targets(draws, truth.size(), double_dqn));
    experiment.add(name, std::vector{expected - truth.back(), drawn - truth.back()},
                   meaning + ": exactly, and the mean of 20,000 targets");
    if (together == 0) experiment.figures += bars_player(draws, truth, noise);
  };
  Series single = {"one estimate: the maximum", {}}, halves = {"two independent estimates", {}},
         dependent = {formatted("two estimates, correlation %.3g", correlation), {}};
  for (Index n = 2; n <= 50; ++n) {
    const std::vector<double> values = true_values(n, settings["spread"]);
    const BestOfEstimates best = best_of_estimates(values, noise);
    const auto point = [&](double together) {
      const double bias = best.chosen + together * (best.largest - best.chosen) - values.back();
      return ChartPoint{static_cast<double>(n), bias, bias, bias};
    };
    single.points.push_back(point(1));
    halves.points.push_back(point(0));
    dependent.points.push_back(point(correlation));
  }
  experiment.figures += line_chart(
      {"How much too large the estimate of the largest value is",
       "By the formula. One estimate that both chooses and values is too large, the more actions the more.",
       "actions", "bias"},
      {single, halves, dependent});
  add("maximum_bias", 1, false, "bias of max Q");
  add("double_bias", 0, true, "where an independent estimate chooses");
  add("double_dqn_bias", correlation, true, "where the errors of both have that correlation");
}

Experiment run_double(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Experiment experiment;
  run_bars(experiment, settings);

  constexpr double kGamma = 0.95;
  const GridTask task = noisy_task(settings["reward_noise"]);
  const TabularValues exact = value_iteration(task.mdp, kGamma, &stop);
  std::vector<TabularRun> single, doubled;
  for (Index i = 0; i < settings.count("seeds") && !stop; ++i) {
    const std::uint64_t seed = derived_seed(settings.seed(), static_cast<std::uint64_t>(i));
    for (const bool two : {false, true})
      (two ? doubled : single)
          .push_back(
              learn_tabular(task.mdp, {two, kGamma, settings["power"], settings.count("steps"), seed}));
  }
  if (single.empty()) return experiment;
  const double v = start_value(task.mdp, exact.v);
  experiment.add("start_value", v, "V*(start)");
  add_findings(experiment, "q_learning", single, task.mdp, exact, kGamma);
  add_findings(experiment, "double_q", doubled, task.mdp, exact, kGamma);
  experiment.figures +=
      line_chart(
          {"What the start seems to be worth while it is learnt",
           "Mean over the seeds of max Q(start, a), with a 95 % interval of that mean.", "steps", "value"},
          {{"Q-learning", curve(single)},
           {"double Q-learning", curve(doubled)},
           {"V*", {{0, v, v, v}, {settings["steps"], v, v, v}}}}) +
      error_map(task, mean_errors(single, task.mdp, exact), "Q-learning: error by state") +
      error_map(task, mean_errors(doubled, task.mdp, exact), "Double Q-learning: error by state");
  return experiment;
}

constexpr CourseSetting kDoubleSettings[] = {
    {"actions", 10, 1, 100, "of the state whose maximum is estimated", true},
    {"noise", 1, 0.01, 100, "standard deviation of each estimate"},
    {"spread", 0, 0, 100, "the true values go from 0 to this"},
    {"correlation", 0.5, 0, 1, "of the errors of the network that chooses and the one that is asked"},
    {"reward_noise", 11, 0, 1000, "the grid's rewards are -1 plus or minus this"},
    {"power", 0.8, 0.5, 1, "the step size of the n-th visit is 1 / n^power"},
    {"steps", 10'000, 50, 1e6, "of each seed on the grid", true},
    {"seeds", 100, 2, 1000, "on the grid", true},
    {"seed", 1, 0, 1e9, "from which all others are derived", true},
};

}  // namespace

const Chapter& double_chapter() {
  static const Chapter chapter = {
      10, "Double Q-learning",
      "Ten actions are all worth 0, and each estimate is off by a normal error of "
      "standard deviation 1. What is the largest of the ten estimates on average?",
      kDoubleSettings, run_double};
  return chapter;
}

}  // namespace bellman
