// Chapter 11: prioritised replay, the dueling head and targets of several steps.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/course/n_step_target.h"
#include "apps/course/sum_tree_walk.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/text.h"
#include "core/reference/reference_backend.h"
#include "envs/grid/value_iteration.h"
#include "rl/replay/sampler.h"
#include "rl/replay/sum_tree.h"

namespace bellman {
namespace {

std::vector<Index> slots_up_to(Index count) {
  std::vector<Index> slots(static_cast<std::size_t>(count));
  std::iota(slots.begin(), slots.end(), 0);
  return slots;
}

// ---- draws

/// TD errors of eight transitions.
constexpr std::array<float, 8> kErrors = {0.1F, -2, 0.5F, -0.05F, 1, 0.2F, 4, -0.3F};

PrioritizedSampler sampler_of_errors(double alpha, std::uint64_t seed) {
  constexpr Index kSlots = kErrors.size();
  PrioritizedSampler sampler(kSlots, seed, {alpha, 1e-6});
  for (Index slot = 0; slot < kSlots; ++slot) sampler.on_add(slot);
  sampler.on_td_error(slots_up_to(kSlots), kErrors);
  return sampler;
}

struct DrawCounts {
  std::vector<double> drawn, expected;  // by slot
  double chi_square() const {
    double sum = 0;
    for (std::size_t i = 0; i < drawn.size(); ++i)
      sum += (drawn[i] - expected[i]) * (drawn[i] - expected[i]) / expected[i];
    return sum;
  }
};

/// How often batches of that size draw each slot, and how often they should.
DrawCounts count_draws(PrioritizedSampler& sampler, Index draws, Index batch) {
  DrawCounts counts = {std::vector<double>(kErrors.size()), {}};
  std::vector<Index> slots(static_cast<std::size_t>(batch));
  std::vector<float> weights(slots.size());
  for (Index step = 0; step < draws / batch; ++step) {
    sampler.sample(static_cast<std::uint64_t>(step), slots, weights);
    for (const Index slot : slots) counts.drawn[static_cast<std::size_t>(slot)] += 1;
  }
  for (std::size_t slot = 0; slot < kErrors.size(); ++slot)
    counts.expected.push_back(sampler.probability(static_cast<Index>(slot)) *
                              static_cast<double>(draws / batch * batch));
  return counts;
}

void run_draws(Experiment& experiment, const CourseSettings& settings) {
  PrioritizedSampler sampler = sampler_of_errors(settings["alpha"], settings.seed());
  const std::span<const double> weights = sampler.state().weights;
  SumTree tree(static_cast<Index>(weights.size()));
  tree.set_state(weights);
  const double mass = settings["mass"] * tree.total();
  experiment.add("slot", static_cast<double>(tree.find(mass)), "that the sum-tree finds at this mass");
  const DrawCounts single = count_draws(sampler, settings.count("draws"), 1),
                   batches = count_draws(sampler, settings.count("draws"), 64);
  experiment.add("chi_square", single.chi_square(),
                 "of the draws, one at a time; right probabilities stay below 14.07 in 95 % of experiments");
  experiment.add("in_batches", batches.chi_square(),
                 "the same of batches of 64, each from 64 equal parts of the sum");
  std::vector<double> edges(kErrors.size() + 1);
  std::iota(edges.begin(), edges.end(), 0.0);
  experiment.figures +=
      histogram({"How often each slot was drawn",
                 "Bars: draws, one at a time. Line: what the probabilities promise.", "slot", "draws"},
                edges, single.drawn, single.expected) +
      tree_walk_figure(weights, mass);
}

// ---- importance weights

/// Where gradient steps on (r - q)^2 come to rest, by draws of the prioritised sampler: one of `rewards` rewards is 1, the
/// others 0.
double learnt_mean(Index rewards, double start, double alpha, double beta, std::uint64_t seed) {
  constexpr int kSteps = 2000;
  constexpr std::size_t kBatch = 32;
  constexpr double kRate = 0.1;
  PrioritizedSampler sampler(rewards, seed, {alpha, 1e-6});
  for (Index slot = 0; slot < rewards; ++slot) sampler.on_add(slot);
  sampler.set_beta(beta);
  std::array<Index, kBatch> slots;
  std::array<float, kBatch> weights, errors;
  double q = start, mean_q = 0;
  for (int step = 0; step < kSteps; ++step) {
    sampler.sample(static_cast<std::uint64_t>(step), slots, weights);
    double gradient = 0;
    for (std::size_t n = 0; n < kBatch; ++n) {
      errors[n] = static_cast<float>((slots[n] == 0 ? 1 : 0) - q);
      gradient += static_cast<double>(weights[n]) * static_cast<double>(errors[n]) / kBatch;
    }
    q += kRate * gradient;
    sampler.on_td_error(slots, errors);
    if (step >= kSteps / 2) mean_q += q / (kSteps / 2);
  }
  return mean_q;
}

/// The same by a formula: sum_i P(i) w_i (r_i - q) = 0 with P(i) w_i in proportion to |r_i - q|^(alpha (1 - beta)).
double resting_point(Index rewards, double alpha, double beta) {
  const double others = static_cast<double>(rewards - 1);
  return 1 / (1 + std::pow(others, 1 / (1 + alpha * (1 - beta))));
}

void run_weights(Experiment& experiment, const CourseSettings& settings) {
  const Index rewards = settings.count("rewards");
  const double alpha = settings["alpha"];
  const auto both = [&](double beta) {
    return std::vector{resting_point(rewards, alpha, beta),
                       learnt_mean(rewards, settings["start"], alpha, beta, settings.seed())};
  };
  experiment.add("mean_reward", 1 / static_cast<double>(rewards), "of the transitions: what Q should be");
  experiment.add("without_weights", both(0),
                 "what is learnt with beta = 0: by the formula, and by the sampler's draws");
  experiment.add("with_weights", both(1), "with beta = 1, likewise");
  Series formula = {"by the formula", {}}, learnt = {"learnt", {}}, truth = {"truth", {}};
  for (int i = 0; i <= 10; ++i) {
    const double beta = i / 10.0, mean_reward = 1 / static_cast<double>(rewards);
    const std::vector<double> q = both(beta);
    formula.points.push_back({beta, q[0], q[0], q[0]});
    learnt.points.push_back({beta, q[1], q[1], q[1]});
    truth.points.push_back({beta, mean_reward, mean_reward, mean_reward});
  }
  experiment.figures +=
      line_chart({"What is learnt from prioritised draws",
                  "Without weights a rare reward counts too much. Beta = 1 undoes it.", "beta", "q"},
                 {formula, learnt, truth});
}

// ---- the dueling head

struct DuelingHead {
  double v = 2;
  std::vector<double> a = {1, -1, 3};  // the numbers of docs/backprop/dueling.md
};

std::vector<double> dueling_q(const DuelingHead& head) {
  std::vector<double> q(head.a.size());
  const auto actions = static_cast<Index>(q.size());
  ReferenceBackend<double>().dueling_forward({q.data(), {1, actions}}, {&head.v, {1, 1}},
                                             {head.a.data(), {1, actions}});
  return q;
}

void run_dueling(Experiment& experiment) {
  const DuelingHead head;
  const std::vector<double> q = dueling_q(head);
  DuelingHead shifted = head, moved = head;
  shifted.v += 5;
  for (double& a : shifted.a) a -= 5;
  std::vector<double> sum, shifted_sum;
  for (std::size_t i = 0; i < q.size(); ++i)
    sum.push_back(head.v + head.a[i]), shifted_sum.push_back(shifted.v + shifted.a[i]);

  // A gradient step of rate 1 on the loss -q[1]: both streams move against their gradients.
  const std::vector<double> dq = {0, -1, 0};
  double dv = 0;
  std::vector<double> da(q.size());
  ReferenceBackend<double>().dueling_backward({&dv, {1, 1}}, {da.data(), {1, 3}}, {dq.data(), {1, 3}});
  moved.v -= dv;
  for (std::size_t i = 0; i < da.size(); ++i) moved.a[i] -= da[i];
  std::vector<double> change = dueling_q(moved);
  for (std::size_t i = 0; i < q.size(); ++i) change[i] -= q[i];

  experiment.add("dueling_q", q, "of v = 2 and a = 1, -1, 3; their mean is v");
  experiment.add("shifted_q", dueling_q(shifted), "of v + 5 and a - 5: it shows");
  experiment.add("plain_sums", shifted_sum,
                 "of v + 5 and a - 5 without the mean: as if nothing had happened");
  experiment.add("moved_with_it", change, "change of q when a gradient step moves the second action's");
  const auto row = [](const std::string& name, double v, const std::vector<double>& a,
                      const std::vector<double>& out, const std::vector<double>& plain) {
    std::vector<std::string> cells = {name, formatted("%g", v)};
    for (const auto& numbers : {a, out, plain})
      cells.push_back(formatted("%.4g, %.4g, %.4g", numbers[0], numbers[1], numbers[2]));
    return cells;
  };
  experiment.figures +=
      element("h3", Markup("The dueling head")) +
      text_table({{"", "v", "a", "q = v + a − mean a", "v + a"},
                  row("as it is", head.v, head.a, q, sum),
                  row("v + 5, a − 5", shifted.v, shifted.a, dueling_q(shifted), shifted_sum)});
}

// ---- targets of n steps

void run_n_step(Experiment& experiment, const CourseSettings& settings) {
  constexpr Index kMost = 20, kEpisodes = 20'000;
  constexpr double kGamma = 0.95;
  const GridTask task = corridor_task(settings["slip"], settings["noise"]);
  const TabularValues exact = value_iteration(task.mdp, kGamma);
  const EpsilonPlayer player = {static_cast<std::int32_t>(Direction::kRight), settings["epsilon"]};
  std::vector<double> estimate = exact.v;
  for (double& value : estimate) value *= settings["estimate"];
  const std::vector<TargetMoments> moments = n_step_moments(task.mdp, player, estimate, kGamma, kMost);
  const double truth = start_value(task.mdp, exact.v);

  Series bias = {"bias, its size", {}}, spread = {"standard deviation", {}},
         error = {"root mean square error", {}}, of_64 = {"the same of the mean of 64 targets", {}};
  std::array<Index, 2> best = {1, 1};
  const auto root_mean_square = [&](Index n, double targets) {
    const TargetMoments& m = moments[static_cast<std::size_t>(n - 1)];
    return std::sqrt((m.mean - truth) * (m.mean - truth) + m.variance / targets);
  };
  for (Index n = 1; n <= kMost; ++n) {
    const TargetMoments& m = moments[static_cast<std::size_t>(n - 1)];
    const auto add = [&](Series& series, double y) {
      series.points.push_back({static_cast<double>(n), y, y, y});
    };
    add(bias, std::abs(m.mean - truth));
    add(spread, std::sqrt(std::max(0.0, m.variance)));
    add(error, root_mean_square(n, 1));
    add(of_64, root_mean_square(n, 64));
    if (root_mean_square(n, 1) < root_mean_square(best[0], 1)) best[0] = n;
    if (root_mean_square(n, 64) < root_mean_square(best[1], 64)) best[1] = n;
  }
  std::vector<double> biases, spreads;
  for (const std::size_t n : {1, 2, 3, 5, 10, 20}) {
    biases.push_back(moments[n - 1].mean - truth);
    spreads.push_back(spread.points[n - 1].y);
  }
  experiment.add("bias", biases, "of the target for n = 1, 2, 3, 5, 10, 20: its mean less Q*");
  experiment.add("spread", spreads, "its standard deviation, likewise");
  experiment.add("best_n", std::vector{static_cast<double>(best[0]), static_cast<double>(best[1])},
                 "with the smallest root mean square error: of one target, and of the mean of 64");
  const Index n = settings.count("n");
  experiment.add(
      "ring",
      std::vector{moments[static_cast<std::size_t>(n - 1)].mean,
                  mean(n_step_targets(task.mdp, player, estimate, kGamma, n, kEpisodes, settings.seed()))},
      "mean target of n steps: exactly, and of 20,000 that the replay ring assembled");
  experiment.figures +=
      line_chart({"The target of n steps from the corridor's start",
                  "The bias comes from the estimate that is bootstrapped from, and later from the "
                  "random actions on the way.",
                  "n", "error"},
                 {bias, spread, error, of_64});
}

Experiment run_improvements(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Experiment experiment;
  run_weights(experiment, settings);
  if (!stop) run_draws(experiment, settings);
  if (!stop) run_dueling(experiment);
  if (!stop) run_n_step(experiment, settings);
  return experiment;
}

constexpr CourseSetting kImprovementsSettings[] = {
    {"alpha", 0.6, 0, 1, "how much priorities matter"},
    {"mass", 0.7, 0, 0.999999, "where the shown draw looks, as a share of the total"},
    {"draws", 20'000, 64, 1e6, "that are counted", true},
    {"rewards", 10, 2, 1000,
     "transitions of one state and action; one of them has a reward of 1, the others 0", true},
    {"start", 0.5, 0, 1, "where Q begins for them"},
    {"n", 3, 1, 20, "steps of the ring's targets", true},
    {"estimate", 0.5, 0, 2, "the corridor's values are this share of V*"},
    {"epsilon", 0.1, 0, 1, "share of random actions in the corridor"},
    {"noise", 2, 0, 100, "the corridor's rewards are -1 plus or minus this"},
    {"slip", 0.2, 0, 0.9, "probability that a step in the corridor goes nowhere"},
    {"seed", 1, 0, 1e9, "of all draws", true},
};

}  // namespace

const Chapter& improvements_chapter() {
  static const Chapter chapter = {
      11, "Dueling, prioritised replay, n-step",
      "Ten transitions of the same state and action: one has a reward of 1, nine have 0. A "
      "prioritised replay draws in proportion to |error|^0.6, without weights. To which "
      "number does Q settle?",
      kImprovementsSettings, run_improvements};
  return chapter;
}

}  // namespace bellman
